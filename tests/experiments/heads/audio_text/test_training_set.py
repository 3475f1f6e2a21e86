"""Members of the ensemble, and figures of a small training set and of the real one."""

from dataclasses import replace

import numpy as np
import pytest
from labelled_clips import LISTENING, bags, clips
from repository import DATA

from experiments.heads.audio_text.calibrations import fit_calibrations
from experiments.heads.audio_text.clip_search import evaluate_search
from experiments.heads.audio_text.cross_validation import cross_validate
from experiments.heads.audio_text.out_of_domain_texts import list_out_of_domain_texts
from experiments.heads.audio_text.prompts import list_prompts
from experiments.heads.audio_text.retrieval_metrics import compute_metrics, list_queries
from experiments.heads.audio_text.training_set import TrainingSet, make_text_encoder
from fusion import Calibration
from retrieval.features.pipeline import FeaturePipeline
from spaces.joint.kernel_ridge import KernelRidgeConfig


def lesson():
    return TrainingSet(
        clips=clips(),
        prompts=list_prompts(),
        out_of_domain_texts=list_out_of_domain_texts()[:60],
        encode_texts=bags,
        kernel_config=KernelRidgeConfig(min_landmark_items=2),
    )


def test_members_learn_from_altered_versions_of_the_clips_they_are_given():
    taught = lesson()
    rest = taught.clips.select(np.arange(0, len(taught.clips.kinds), 2))
    versions = rest.augmented_features["sound"]
    np.testing.assert_array_equal(versions, taught.clips.augmented_features["sound"][::2])
    plain = replace(rest, augmented_features={"sound": versions[:, :0]})
    one, other = (taught.fit_member(part).media.inputs["sound"] for part in (rest, plain))
    np.testing.assert_array_equal(one.centres, other.centres)  # no version is in a landmark
    assert np.abs(one.weight - other.weight).max() > 1e-3


@pytest.mark.slow
def test_figures_calibrations_and_search_of_a_small_lesson():
    taught = lesson()
    report = cross_validate(
        replace(taught, prompts=list_prompts(include_synonyms=False)), seed=0, n_repeats=1
    )
    kernel = {one.name: one for one in report if one.method == "kernel"}
    assert kernel["P@10 animals"].value > 0.8 and kernel["P@10 animals"].n_folds == 4
    assert kernel["P@10 animals"].low <= kernel["P@10 animals"].value <= kernel["P@10 animals"].high
    assert {"kernel", "plain", "linear", "kernel - plain"} <= {one.method for one in report}
    found = fit_calibrations(taught, seed=0)
    assert set(found) == {"text", "sound"} and all(one.slope > 0 for one in found.values())
    by_clip = evaluate_search(taught, found["sound"], Calibration(mean=0, sd=0.3), seed=0)
    values = {(one.name, one.method): one.value for one in by_clip}
    both, alone = values["P@10 animal by clip", "sounds + words"], values["P@10 animal by clip", "sounds"]
    assert both - alone == pytest.approx(values["P@10 animal by clip", "gain"])
    assert evaluate_search(taught, found["sound"], None, seed=0) == []


@pytest.mark.data
@pytest.mark.slow
def test_words_find_animals_that_were_not_learnt_from(heard):
    """The set's own split: P@10 of dev after learning from train."""
    from experiments.datasets import load_vgmidi
    from experiments.datasets.animal_sounds import load_animal_captions
    from experiments.datasets.ravdess import load_ravdess_speech

    parts = [item.split for item in (*load_animal_captions(DATA).items, *load_ravdess_speech(DATA))]
    split = np.array(parts + [piece.split for piece in load_vgmidi(DATA)])
    rated = np.flatnonzero(heard.kinds != "instrument")
    assert len(split) == len(rated)  # none is silent
    split = np.concatenate([split, ["train"] * (len(heard.kinds) - len(rated))])
    known = list_prompts()
    texts = [*(p.text for p in known), *list_out_of_domain_texts(), *list_queries()]
    taught = TrainingSet(
        clips=heard,
        prompts=known,
        out_of_domain_texts=list_out_of_domain_texts(),
        encode_texts=make_text_encoder(FeaturePipeline(LISTENING), texts),
    )
    member = taught.fit_member(heard.select(np.flatnonzero(split == "train")))
    dev = heard.select(np.flatnonzero(split == "dev"))
    rows = member.media(dev.features)
    found = compute_metrics(
        dev, lambda asked_of: member.text({"text": taught.encode_texts(asked_of)}) @ rows.T
    )
    assert found["P@10 animals"] >= 0.8
