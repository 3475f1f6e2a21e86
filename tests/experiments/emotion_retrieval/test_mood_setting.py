"""The harm study on rendered videos: what variants are given, what is measured, and one run end to end."""

import math
from dataclasses import replace

import numpy as np
import pytest

from encoders.lexicon import EMOTIONS
from experiments.emotion_retrieval.data.video_pairs import VideoPairs
from experiments.emotion_retrieval.harm import mood_clips, mood_setting
from experiments.emotion_retrieval.harm.mood_clips import (
    SOFT_EMOTIONS,
    MoodClips,
    MoodClipSplits,
    find_named_mood,
    load_mood_clips,
    read_soft_emotions,
)
from experiments.emotion_retrieval.harm.mood_setting import (
    MoodSetting,
    evaluate_clips,
    measure_affect_distances,
    select_inputs,
)
from experiments.emotion_retrieval.harm.mood_variants import MOOD_VARIANTS, OURS
from experiments.emotion_retrieval.harm.report import format_summaries, summarise_variants
from experiments.emotion_retrieval.harm.study import run_harm_study
from experiments.synthetic import MOODS
from retrieval.features import FeaturePipeline
from spaces.joint import Schedule

VARIANT_BY_NAME = {variant.name: variant for variant in MOOD_VARIANTS}
NAN = math.nan


def make_clips(videos=8, seed=0):
    """Videos of noise, two texts each of which the second names a mood; the last is silent."""
    rng = np.random.default_rng(seed)
    affect = rng.normal(size=(videos, 2)).clip(-1, 1)
    affect[-1] = NAN
    named = np.full((2 * videos, 2), NAN)
    named[1::2] = affect
    emotions = np.zeros((2 * videos, len(SOFT_EMOTIONS)), np.float32)
    emotions[1::2, 0] = 1
    tokens = np.tile([2, 4, 5, 3], (2 * videos, 1))
    tokens[:, 1:3] = rng.integers(4, 20, (2 * videos, 2))
    pairs = VideoPairs(
        video_ids=tuple(f"clip{number}" for number in range(videos)),
        frames=tuple(rng.integers(0, 256, (8, 48, 48, 3), dtype=np.uint8) for _ in range(videos)),
        token_ids=tokens, token_mask=np.ones_like(tokens), emotions=emotions,
        item_by_text=np.repeat(np.arange(videos), 2), affect=affect.astype(np.float32), frame_count=6,
    )  # fmt: skip
    combinations = tuple(f"combination {number // 2}" for number in range(videos))
    return MoodClips(pairs=pairs, named_mood=named, true_affect=affect, combinations=combinations)


@pytest.fixture
def setting(monkeypatch):
    monkeypatch.setattr(mood_setting, "BATCH", 8)
    splits = MoodClipSplits(
        by_split={name: make_clips(seed=number) for number, name in enumerate(("train", "dev", "test"))},
        vocabulary_size=20,
    )
    variants = [replace(variant, steps=2 * bool(variant.steps)) for variant in MOOD_VARIANTS]
    return MoodSetting(splits, Schedule(epochs=2, batch=8, rate=1e-3), variants)


def test_a_mood_is_read_from_the_words_of_a_caption():
    assert find_named_mood("a red disc spins to gloomy music") == MOODS["sad"]
    assert find_named_mood("a star grows with an eerie tune") == MOODS["uneasy"]
    assert np.isnan(find_named_mood("a red disc on a dark background")).all()


def test_soft_weights_are_those_of_lexicon_and_regressor_and_zero_without_words_of_emotion():
    rows = read_soft_emotions(
        ["a disc spins to furious music", "a disc spins to cheerful music", "a red disc spins"],
        FeaturePipeline(mood_clips.SOUND_ONLY),
    )
    weights = [dict(zip(SOFT_EMOTIONS, row, strict=True)) for row in rows]
    assert weights[0]["anger"] == weights[1]["joy"] == 1
    assert weights[0]["unpleasant"] > 0.3 and weights[0]["pleasant"] == 0
    assert weights[1]["pleasant"] > 0.3 and weights[1]["unpleasant"] == 0
    assert not rows[2].any() and (rows >= 0).all() and (rows <= 1).all()


def test_a_variant_gets_its_own_emotions_and_affect_only_if_it_uses_it():
    pairs = make_clips().pairs
    report = select_inputs(pairs, VARIANT_BY_NAME["report: add, std 1"])
    assert report.emotions.shape[1] == len(EMOTIONS) and report.affect is None
    ours = select_inputs(pairs, VARIANT_BY_NAME["affect-coordinates + video affect"])
    np.testing.assert_array_equal(ours.emotions, pairs.emotions[:, len(EMOTIONS) :])
    assert ours.affect is pairs.affect


def test_the_distance_is_that_of_the_first_sounding_videos_to_the_mood_asked_for(monkeypatch):
    monkeypatch.setattr(mood_setting, "FIRST_ITEMS", 1)
    clips = make_clips(4)
    clips.named_mood[1::2] = [(1, 0), (0, 0), (NAN, NAN), (NAN, NAN)]
    clips.true_affect[:3] = [(1, 0), (0, 1), (0, 0)]
    videos = np.eye(4, dtype=np.float32)
    texts = np.zeros((8, 4), np.float32)
    texts[1, 0] = 1  # finds the first, which feels as asked for
    texts[3, [3, 1]] = 2, 1  # the silent one would come first; the next feels otherwise by 1
    assert measure_affect_distances(clips, texts, videos).tolist() == [0.5]
    assert measure_affect_distances(clips, texts[:, ::-1], videos[:, ::-1]).tolist() == [0.5]


def test_queries_are_told_apart_by_what_they_name():
    clips = make_clips(4)
    texts = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
    directions = evaluate_clips(clips, texts, np.eye(4, dtype=np.float32))
    assert [len(directions[name].query_ids) for name in directions] == [8, 3, 5]
    assert set(directions["all"].groups) == {"combination 0", "combination 1"}
    assert directions["all"].compute_metric("R@1") == 100


def test_every_variant_is_trained_and_compared(setting, tmp_path):
    results = run_harm_study(setting, setting.variants, seeds=[0, 1], trial_folder=tmp_path)
    assert len(results) == 2 * len(MOOD_VARIANTS)
    summaries = summarise_variants(results)
    assert all(summary.affect_distance > 0 for summary in summaries)
    assert summaries[1].distance_difference.low <= summaries[1].distance_difference.high
    assert "distance to the mood" in format_summaries(summaries)[0]
    by_name = {summary.variant: summary for summary in summaries}
    assert by_name[OURS].differences["without emotion"].value == 0  # its content is the baseline's
    again = run_harm_study(setting, setting.variants, seeds=[0, 1], trial_folder=tmp_path)
    assert [result.to_json() for result in again] == [result.to_json() for result in results]


@pytest.mark.slow
def test_clips_are_rendered_heard_and_seen(tmp_path):
    splits = load_mood_clips(tmp_path, 24, 2, side=48, frame_count=6, quiet=True)
    train = splits.by_split["train"]
    assert {name: len(clips.combinations) for name, clips in splits.by_split.items()} == {
        "train": 17, "dev": 3, "test": 4,
    }  # fmt: skip
    is_silent = np.isnan(train.true_affect).any(axis=1)
    np.testing.assert_array_equal(np.isnan(train.pairs.affect).all(axis=1), is_silent)
    assert is_silent.any() and not is_silent.all()
    assert np.nanmean(train.pairs.affect, axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert train.pairs.frames[0].shape == (18, 48, 48, 3)
    assert not set(train.combinations) & set(splits.by_split["test"].combinations)
