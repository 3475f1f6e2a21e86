"""The data on which the harm study is run, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from experiments.datasets.msvd import load_msvd
from experiments.emotion_retrieval.harm.caption_videos import split_caption_videos
from experiments.emotion_retrieval.harm.mood_setting import load_mood_setting
from experiments.emotion_retrieval.harm.photo_captions import load_flickr_photos, load_oasis_photos
from experiments.emotion_retrieval.harm.stand_in_setting import StandInSetting
from experiments.emotion_retrieval.harm.stand_in_training import BASELINE_SCHEDULE
from experiments.emotion_retrieval.harm.study import HarmSetting


def load_msvd_setting(data_root: Path) -> StandInSetting:
    """MSVD's captions alone: half of a video's stand in for its pictures."""
    return StandInSetting(split_caption_videos(load_msvd(data_root), seed=0))


SMALL_SCHEDULE = replace(BASELINE_SCHEDULE, epochs=20)  # some hundred photos have some thousand texts


def load_flickr_setting(data_root: Path) -> StandInSetting:
    """flickr1k's photos by frozen features."""
    return StandInSetting(load_flickr_photos(data_root), SMALL_SCHEDULE)


def load_oasis_setting(data_root: Path) -> StandInSetting:
    """OASIS' photos by frozen features."""
    return StandInSetting(load_oasis_photos(data_root), replace(SMALL_SCHEDULE, epochs=60))


HARM_SETTINGS: Mapping[str, Callable[[Path], HarmSetting]] = {
    "msvd": load_msvd_setting,
    "flickr1k": load_flickr_setting,
    "oasis": load_oasis_setting,
    "synthetic": load_mood_setting,
}
"""Loaders by name, from the folder of the data sets. They raise AffectError where data are missing."""
