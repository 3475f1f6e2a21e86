"""The stand-in for emotion text-to-video retrieval: its data, its model, its variants."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from happy_captions import SHORT, make_dataset

from encoders.base import AffectError
from experiments.emotion_retrieval.harm import stand_in_setting, stand_in_training
from experiments.emotion_retrieval.harm.caption_videos import split_caption_videos
from experiments.emotion_retrieval.harm.command import select_variants
from experiments.emotion_retrieval.harm.report import format_summaries, summarise_variants
from experiments.emotion_retrieval.harm.stand_in_setting import StandInSetting
from experiments.emotion_retrieval.harm.stand_in_training import (
    Baseline,
    continue_loss,
    group_parameters,
    make_model,
    train_variant,
)
from experiments.emotion_retrieval.harm.study import QUERY_SETS, run_harm_study
from experiments.emotion_retrieval.harm.variants import VARIANTS, Variant

VARIANT_BY_NAME = {variant.name: variant for variant in VARIANTS}


@pytest.fixture(scope="module")
def splits():
    return split_caption_videos(make_dataset(), seed=0)


@pytest.fixture(scope="module")
def setting(splits):
    return StandInSetting(splits, SHORT)


def test_no_caption_is_both_text_and_feature(splits):
    assert len(splits.train.video_ids) == 36 and len(splits.test.video_ids) == 12
    assert np.bincount(splits.train.item_by_text).tolist() == [4] * 36
    assert np.bincount(splits.test.item_by_text).tolist() == [4] * 12
    assert splits.train.features.std() == pytest.approx(1, abs=0.1)
    named = splits.train.has_emotion
    assert 0.1 < named.mean() < 0.9
    np.testing.assert_array_equal(named, splits.train.emotions.sum(1) > 0)


def test_the_division_is_seeded_and_of_both_parts():
    first, again, other = (split_caption_videos(make_dataset(), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train.token_ids, again.train.token_ids)
    assert not np.array_equal(first.train.token_ids, other.train.token_ids)
    with pytest.raises(AffectError, match="toy: needs videos of two captions or more"):
        split_caption_videos(make_dataset(captions=1), seed=0)


@pytest.mark.parametrize(
    "name", [name for name in VARIANT_BY_NAME if "steps" not in name and "zeros" in name]
)
def test_a_variant_that_starts_as_nothing_encodes_as_the_baseline(name, splits):
    baseline = Baseline(make_model(splits, Variant(name=""), seed=0), 0.05)
    model = train_variant(baseline, VARIANT_BY_NAME[name], splits, seed=0)
    for ours, theirs in zip(model.encode(splits.test), baseline.model.encode(splits.test), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_new_weights_are_a_group_of_their_own(splits):
    model = make_model(splits, VARIANT_BY_NAME["gated-output + video affect, 300 steps"], seed=0)
    variant = VARIANT_BY_NAME["gated-output + video affect, 300 steps"]
    first, new = group_parameters(torch.nn.ModuleDict({"model": model}), variant)
    assert new["rate_factor"] == 10.0
    assert {id(value) for value in new["params"]} == {
        id(value)
        for name, value in model.named_parameters()
        if name.startswith(("text.conditioning", "affect_residual"))
    }
    assert len(first["params"]) + len(new["params"]) == len(list(model.parameters()))


def test_the_study_reports_every_variant_against_the_baseline(setting):
    variants = [VARIANT_BY_NAME[name] for name in ("baseline", "add, std 1 (report)")]
    results = run_harm_study(setting, variants, seeds=[0, 1])
    assert [(result.variant, result.seed) for result in results] == [
        (variant.name, seed) for seed in (0, 1) for variant in variants
    ]
    for result in results:
        for query_set, metrics in result.metrics.items():
            assert 100 * result.hits[query_set].mean() == pytest.approx(metrics["R@1"])
    baseline, report = summarise_variants(results)
    assert baseline.differences == dict.fromkeys(QUERY_SETS)
    untouched, touched = report.differences["without emotion"], report.differences["with emotion"]
    assert (untouched.value, untouched.low, untouched.high) == (0, 0, 0)
    gap = report.means["with emotion"]["R@1"] - baseline.means["with emotion"]["R@1"]
    assert touched.value == pytest.approx(gap) and touched.low <= touched.value <= touched.high
    table = format_summaries([baseline, report])
    assert len(table) == 4 and table[3].startswith("| add, std 1 (report) |")


def test_one_seed_says_nothing_of_others(setting):
    variants = [VARIANT_BY_NAME[name] for name in ("baseline", "add, zeros")]
    summaries = summarise_variants(run_harm_study(setting, variants, seeds=[0]))
    assert summaries[1].differences == dict.fromkeys(QUERY_SETS)


def test_variants_are_chosen_by_prefix():
    names = [variant.name for variant in select_variants(VARIANTS, ("gated-output", "add, std 1 ("))]
    assert names[0] == "baseline" and all(
        name.startswith(("gated-output", "add, std 1 (")) for name in names[1:]
    )
    assert len(names) == 4
    assert len(select_variants(VARIANTS, ())) == len(VARIANTS)
    with pytest.raises(AffectError, match="no variant shout; variants: baseline; "):
        select_variants(VARIANTS, ("shout",))


def test_further_training_moves_all_weights(splits, monkeypatch):
    monkeypatch.setattr(stand_in_training, "TEXTS_PER_EPOCH", 128)
    monkeypatch.setattr(stand_in_training, "BATCH", 64)
    baseline = Baseline(make_model(splits, Variant(name=""), seed=0), 0.05)
    variant = Variant(name="x", emotions=VARIANT_BY_NAME["gated-output, 300 steps"].emotions, steps=4)
    model = train_variant(baseline, variant, splits, seed=0)
    still = [
        name
        for name, value in model.named_parameters()
        if name in baseline.model.state_dict() and torch.equal(value, baseline.model.state_dict()[name])
    ]
    assert still == []
    assert model.text.conditioning.gate.item() != 0


def test_the_coordinates_start_as_the_baseline_in_half_and_at_half_its_temperature(splits):
    variant = replace(VARIANT_BY_NAME["affect-coordinates + video affect, 300 steps"], steps=0)
    baseline = Baseline(make_model(splits, Variant(name=""), seed=0), 0.05)
    texts, videos = train_variant(baseline, variant, splits, seed=0).encode(splits.test)
    plain_texts, plain_videos = baseline.model.encode(splits.test)
    np.testing.assert_allclose(2 * texts @ videos.T, plain_texts @ plain_videos.T, atol=1e-6)
    temperature = continue_loss(0.05, variant).log_temperature.exp().item()
    assert temperature == pytest.approx(0.025)
    assert continue_loss(0.05, Variant(name="")).log_temperature.exp().item() == pytest.approx(0.05)


def test_finished_trials_are_not_trained_again(setting, tmp_path, monkeypatch):
    variants = [VARIANT_BY_NAME[name] for name in ("baseline", "add, std .1", "add, std 1 (report)")]
    first = run_harm_study(setting, variants[:2], seeds=[0], trial_folder=tmp_path)
    trained = []

    def record(baseline, variant, *args, **options):
        trained.append(variant.name)
        return train_variant(baseline, variant, *args, **options)

    monkeypatch.setattr(stand_in_setting, "train_variant", record)
    again = run_harm_study(setting, variants, seeds=[0], trial_folder=tmp_path)
    assert trained == ["add, std 1 (report)"]
    assert [result.to_json() for result in first] == [result.to_json() for result in again[:2]]
    other = StandInSetting(split_caption_videos(make_dataset(), seed=1), SHORT)
    run_harm_study(other, variants[:1], seeds=[0], trial_folder=tmp_path)
    assert trained[1:] == ["baseline"]  # other data, other trial


def test_the_scale_of_emotions_and_what_it_does_to_texts_are_measured(setting):
    names = ("baseline", "add, zeros", "add, std .1", "add, std 1 (report)")
    results = run_harm_study(setting, [VARIANT_BY_NAME[name] for name in names], seeds=[0])
    assert results[0].emotion_scale is None and results[1].emotion_scale == 0
    assert results[3].emotion_scale == pytest.approx(10 * results[2].emotion_scale, rel=0.3)
    assert results[1].cosine == pytest.approx(1) and results[3].cosine < results[2].cosine < 1


def test_with_frozen_content_texts_without_emotion_find_what_the_baseline_finds(setting, monkeypatch):
    splits = setting.splits
    monkeypatch.setattr(stand_in_training, "TEXTS_PER_EPOCH", 128)
    monkeypatch.setattr(stand_in_training, "BATCH", 64)
    name = "affect-coordinates + video affect, content frozen, 300 steps"
    baseline = setting.train_baseline(0, None)
    model = train_variant(baseline, replace(VARIANT_BY_NAME[name], steps=8, rate=1e-2), splits, seed=0)
    kept = model.state_dict()
    assert all(torch.equal(kept[key], value) for key, value in baseline.model.state_dict().items())
    assert model.text.conditioning.table.any()
    texts, videos = model.encode(splits.test)
    plain_texts, plain_videos = baseline.model.encode(splits.test)
    neutral = ~splits.test.has_emotion
    gaps = 2 * texts @ videos.T - plain_texts @ plain_videos.T
    assert np.abs(gaps[neutral]).max() < 1e-6 < 1e-3 < np.abs(gaps[~neutral]).max()
