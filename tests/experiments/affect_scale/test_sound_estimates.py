"""Sounds beside the norms of their words, and the link function of the sound head on real sounds."""

from pathlib import Path

import numpy as np
import pytest

from experiments.affect_scale.sound_estimates import MAX_SOUNDS_PER_WORD, list_worded_sounds, select_sounds
from experiments.datasets import DATA_ROOT
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.sonic_pi import load_sonic_pi_samples
from experiments.datasets.vgmidi import load_vgmidi
from experiments.datasets.wesnoth import list_wesnoth_excerpts
from experiments.features.extraction import encode_items
from retrieval.features import FeaturePipeline, PipelineConfig

STEP_BY_SET = {"speech": 40, "piano": 8, "orchestra": 3, "samples": 6, "words": 6}


def test_words_without_norms_are_left_out_and_common_ones_thinned():
    sounds = [(Path(f"{i}.ogg"), "dog") for i in range(100)] + [
        (Path("a.ogg"), "tabla"),
        (Path("b.ogg"), "cat"),
    ]
    chosen = select_sounds(sounds, {"dog": (0.5, 0.1), "cat": (0.5, -0.1)})
    words = [word for _, word in chosen]
    assert words == ["cat"] + ["dog"] * MAX_SOUNDS_PER_WORD
    assert chosen[1][0] == Path("0.ogg") and chosen[-1][0] == Path("99.ogg")


def list_sounds(name):
    """Every so manieth file of a set, those of held-out parts too: nothing is learnt here."""
    paths = {
        "speech": lambda: [clip.path for clip in load_ravdess_speech(DATA_ROOT)],
        "piano": lambda: [piece.path for piece in load_vgmidi(DATA_ROOT)],
        "orchestra": lambda: list_wesnoth_excerpts(DATA_ROOT),
        "samples": lambda: [sample.path for sample in load_sonic_pi_samples(DATA_ROOT)],
        "words": lambda: [path for path, _ in list_worded_sounds(DATA_ROOT)],
    }[name]()
    return paths[:: STEP_BY_SET[name]]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", STEP_BY_SET)
def test_estimates_of_sound_pile_up_nowhere(name, tmp_path):
    """Not on the middle, where nothing was told of other sounds, and not on the ends, as by clipping."""
    pipeline = FeaturePipeline(PipelineConfig(objects="", activity="", sound="", faces=""))
    paths = list_sounds(name)
    rows = encode_items(pipeline, [(path,) for path in paths], cache_folder=tmp_path, quiet=True)
    affect = pipeline.estimate_affect_by_modality(rows.mean_pool(len(paths)))["sound"]
    affect = affect[~np.isnan(affect[:, 0])]
    assert len(affect) > 10
    for column in (0, 1):
        values = affect[:, column]
        assert (np.abs(values) < 0.999).all()
        assert (np.abs(values) < 1e-3).mean() < 0.05
        _, counts = np.unique(values.round(3), return_counts=True)
        assert counts.max() <= max(3, 0.1 * len(values))
