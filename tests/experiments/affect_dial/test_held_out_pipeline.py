"""Affect of known items by heads that did not learn from them."""

from dataclasses import replace

import numpy as np
import pytest
from library_factory import random_rows
from mood_library import FACED, face

from experiments.affect_dial.held_out_pipeline import HeldOutPipeline
from experiments.affect_dial.held_out_speech import estimate_held_out_speech
from experiments.affect_dial.kept_estimates import load_or_compute
from experiments.datasets.ravdess import RavdessClip
from experiments.heads.audio_affect import towers
from retrieval.features import FeaturePipeline

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def test_the_affect_of_an_item_is_the_one_given_whatever_the_order():
    rows = random_rows(4, 0)
    estimates = np.linspace(0.1, 0.4, 16, dtype=np.float32).reshape(4, 4)
    pipeline = HeldOutPipeline(FACED, "image", "objects", rows, estimates)
    shuffled = rows[[2, 0, 3, 1]].astype(np.float16).astype(np.float32)  # as a library keeps them
    by_modality = pipeline.estimate_affect_by_modality({"objects": shuffled})
    assert by_modality["image"].tolist() == estimates[[2, 0, 3, 1]].tolist()
    with pytest.raises(KeyError):
        pipeline.estimate_affect_by_modality({"objects": rows + 1})


def test_other_modalities_are_the_pipelines_own():
    rows, faces = random_rows(1, 0), face("happy")
    pipeline = HeldOutPipeline(FACED, "image", "objects", rows, np.full((1, 4), 0.2, np.float32))
    own = FeaturePipeline(FACED).estimate_affect_by_modality({"faces": faces})
    assert pipeline.estimate_affect_by_modality({"faces": faces})["face"].tolist() == own["face"].tolist()
    fused = pipeline.estimate_affect({"objects": rows, "faces": faces}).fused
    assert 0.2 < fused[0, 0] < own["face"][0, 0]


def test_estimates_are_kept_for_the_same_inputs_alone(tmp_path):
    counted = []

    def load(seed):
        def compute():
            counted.append(seed)
            return np.full((2, 4), seed, np.float32)

        return load_or_compute(tmp_path, "toys", (np.arange(3), ["a", "b"], seed), compute)

    assert load(1).tolist() == load(1).tolist() == [[1] * 4] * 2 and counted == [1]
    assert load(2)[0, 0] == 2 and counted == [1, 2]
    for file in tmp_path.iterdir():
        file.write_bytes(b"cut")
    assert load(1)[0, 0] == 1 and counted == [1, 2, 1]


@pytest.mark.slow
def test_speech_is_estimated_by_networks_of_other_actors(tmp_path, monkeypatch):
    """Each actor speaks his emotions in a column of his own: others' networks can't know them."""
    monkeypatch.setattr(towers, "SPEECH_CONFIG", replace(towers.SPEECH_CONFIG, n_networks=1, hidden_size=32))
    rng = np.random.default_rng(0)
    labels = [(actor, emotion) for actor in range(5) for emotion in EMOTIONS for _ in range(3)]
    clips = [
        RavdessClip(path=tmp_path, labels=(emotion,), split="train", id=str(number), actor=str(actor))
        for number, (actor, emotion) in enumerate(labels)
    ]
    shared = np.array([np.eye(8)[EMOTIONS.index(emotion)] for _, emotion in labels]) * 3
    valence = np.array([emotion in ("calm", "happy", "surprised") for _, emotion in labels])
    noise = rng.normal(0, 0.3, (len(labels), 8))
    told = estimate_held_out_speech(clips, (shared + noise).astype(np.float32), seed=0)
    assert told[valence, 0].mean() > told[~valence, 0].mean() + 0.5
    own = np.array([actor for actor, _ in labels])
    private = np.concatenate([shared * (own == actor)[:, None] for actor in range(5)], axis=1)
    private += rng.normal(0, 0.3, private.shape)
    untold = estimate_held_out_speech(clips, private.astype(np.float32), seed=0)
    assert abs(untold[valence, 0].mean() - untold[~valence, 0].mean()) < 0.2
