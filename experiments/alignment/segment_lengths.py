"""Anchors of videos at several lengths of segment: which senses are paired, and how much they vary inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from encoders.base import AffectError
from experiments.ablation.row_statistics import adjust_holm
from experiments.alignment.paired_sets import AFFECT_COLUMNS
from experiments.alignment.pairs import Floats, MultimodalReadings, PairedReadings, Strings
from experiments.alignment.runner import MIN_PAIRS
from experiments.alignment.segment_variance import (
    SegmentDeviation,
    average_segments,
    compute_segment_scatter,
    measure_deviation,
)
from experiments.alignment.statistics import GroupBootstrap, SetResult, make_estimate
from experiments.alignment.video_affect import VideoAffect, VideoFolder, iterate_readings
from retrieval.evaluation.estimate import Estimate

MIN_VIDEOS = 10  # groups that can be drawn and shuffled with any meaning
MIN_SEGMENT_SHARE = 0.5  # of a segment must be there: a rest of a second is no segment of 15
MODALITIES = ("sound", "whole sound", "face", "picture")
MODALITY_PAIRS = (("sound", "picture"), ("whole sound", "picture"), ("face", "picture"), ("sound", "face"))
GPA_MODALITIES = ("sound", "face", "picture")
FEW_VIDEOS_NOTE = (
    "an agreement that some dozen videos do not show can be there: read the intervals, not the verdict alone"
)
MAX_SEGMENT_S, MIN_SEGMENT_S = 600.0, 1.0  # seconds a segment


@dataclass(frozen=True, kw_only=True)
class ModalityVariation:
    """How one sense's readings vary inside segments of one length.

    within_sd: (2,) root mean square SD of valence and arousal, with intervals over whole videos if those
        are not too few; None where no segment has two readings
    """

    modality: str
    deviation: SegmentDeviation
    video_count: int
    within_sd: tuple[Estimate, ...] | None


@dataclass(frozen=True, kw_only=True)
class VideoStudy:
    """A folder's videos as anchors.

    readings_by_length: by length, the senses' readings of its segments; varied: of every length and sense
    """

    folder: VideoFolder
    segment_lengths: tuple[float, ...]
    readings_by_length: Mapping[float, MultimodalReadings]
    variations: tuple[ModalityVariation, ...]

    @property
    def total_duration(self) -> float:
        """Of all videos."""
        return sum(one.duration for one in self.folder.videos)

    def make_pairs(self) -> dict[str, PairedReadings]:
        """Sets by name, the short segments first."""
        return {
            one.name: replace(one, notes=(FEW_VIDEOS_NOTE,))
            for blocks in self.readings_by_length.values()
            for one in blocks.make_pairs()
            if one.modalities in MODALITY_PAIRS
        }

    def select_gpa_readings(self) -> tuple[list[MultimodalReadings], dict[str, str]]:
        """Sound, face and picture, by length, sound being there once; and by name why some are left out."""
        found, left_out = [], {}
        for blocks in self.readings_by_length.values():
            one = _select_modalities(blocks, GPA_MODALITIES)
            here = ~np.isnan(np.concatenate(list(one.by_modality.values()), axis=1)).any(axis=1)
            if short := _explain_too_few(one.row_groups[here]):
                left_out[f"{one.name}: {', '.join(GPA_MODALITIES)} together"] = short
            else:
                found.append(one)
        return found, left_out


def parse_segment_lengths(text: str) -> tuple[float, ...]:
    """Seconds from "2,5,10,15", ascending, each once. Raises AffectError."""
    try:
        found = tuple(sorted({float(part) for part in text.split(",") if part.strip()}))
    except ValueError as bad:
        raise AffectError(f"--lengths {text}: seconds such as 2,5,10,15") from bad
    if not found or not all(MIN_SEGMENT_S <= length <= MAX_SEGMENT_S for length in found):
        raise AffectError(
            f"--lengths {text}: one or more, each {MIN_SEGMENT_S:g} to {MAX_SEGMENT_S:g} seconds"
        )
    return found


def make_video_study(video_folder: VideoFolder, segment_lengths: Sequence[float], *, seed: int) -> VideoStudy:
    """Anchors and deviations at every length."""
    return VideoStudy(
        folder=video_folder,
        segment_lengths=tuple(segment_lengths),
        readings_by_length={
            length: compute_segment_readings(video_folder, length) for length in segment_lengths
        },
        variations=tuple(
            one
            for sense in ("picture", "sound", "face")
            for length in segment_lengths
            if (one := measure_variation(video_folder.videos, sense, length, seed=seed)) is not None
        ),
    )


def compute_segment_readings(video_folder: VideoFolder, segment_length: float) -> MultimodalReadings:
    """The senses' valence and arousal of all segments of which half or more is there; NaN where one abstains.

    Pictures, faces and half seconds of sound are averaged; "whole sound" is read at once.
    """
    places = [
        (one.digest, number)
        for one in video_folder.videos
        for number in range(int(np.ceil(one.duration / segment_length)))
        if one.duration - number * segment_length >= MIN_SEGMENT_SHARE * segment_length - 1e-6
    ]
    row = {place: at for at, place in enumerate(places)}
    readings = {sense: np.full((len(places), 2), np.nan) for sense in MODALITIES}
    for sense in ("sound", "face", "picture"):
        rows, seconds, videos = _concatenate_readings(video_folder.videos, sense)
        if np.isnan(rows).any(axis=1).all():
            continue
        found = average_segments(rows[:, :2], seconds, videos, segment_length)
        for mean, video, start in zip(found.means, found.videos, found.starts, strict=True):
            at = row.get((str(video), round(start / segment_length)))
            if at is not None:
                readings[sense][at] = mean
    for one in video_folder.videos:
        for number, whole in enumerate(one.whole_sound[segment_length]):
            at = row.get((one.digest, number))
            if at is not None:
                readings["whole sound"][at] = whole[:2]
    return MultimodalReadings(
        name=f"{video_folder.name} {segment_length:g} s",
        by_modality=readings,
        columns=dict.fromkeys(MODALITIES, AFFECT_COLUMNS),
        groups=np.array([video for video, _ in places], np.str_),
        emotions=None,
        exchange="groups",
    )


def measure_variation(
    videos: Sequence[VideoAffect], modality: str, segment_length: float, *, seed: int
) -> ModalityVariation | None:
    """How one sense varies inside segments; None where it says nothing."""
    rows, seconds, owners = _concatenate_readings(videos, modality)
    if np.isnan(rows).any(axis=1).all():
        return None
    found = measure_deviation(rows[:, :2], seconds, owners, segment_length)
    scatter, freedom, names = compute_segment_scatter(rows[:, :2], seconds, owners, segment_length)
    scatter, names, freedom = scatter[freedom > 0], names[freedom > 0], freedom[freedom > 0]
    count = len(set(names.tolist()))
    if not count:
        inside = None
    elif count < MIN_VIDEOS:
        inside = tuple(Estimate(value=value) for value in found.within_sd)
    else:
        draws = GroupBootstrap(names, seed)
        ratios = [draws.ratio(column, freedom) for column in scatter.T]
        inside = tuple(make_estimate(float(np.sqrt(value)), np.sqrt(drawn)) for value, drawn in ratios)
    return ModalityVariation(modality=modality, deviation=found, video_count=count, within_sd=inside)


def check_enough_videos(pairs: PairedReadings) -> PairedReadings:
    """The same. Raises AffectError where too few videos have both senses for intervals and shuffles."""
    here = ~np.isnan(np.concatenate([pairs.source, pairs.target], axis=1)).any(axis=1)
    if short := _explain_too_few(pairs.groups[here]):
        raise AffectError(short)
    return pairs


def adjust_p_over_sets(results: Mapping[str, SetResult]) -> dict[str, float]:
    """By set, the least p of its maps after Holm's correction over maps, and again over these sets."""
    least = {name: min(row.holm for row in one.maps) for name, one in results.items()}
    return dict(zip(least, adjust_holm(list(least.values())), strict=True))


def to_json(video_study: VideoStudy, results: Mapping[str, SetResult]) -> dict[str, Any]:
    """For results.json."""
    ours = {name: results[name] for name in video_study.make_pairs() if name in results}
    return {
        "folder": video_study.folder.name,
        "videos": len(video_study.folder.videos),
        "seconds": video_study.total_duration,
        "without sound": video_study.folder.silent_count,
        "copies": video_study.folder.duplicate_count,
        "refused": video_study.folder.unreadable,
        "lengths": video_study.segment_lengths,
        "segments": {
            f"{length:g}": _count_segments(blocks)
            for length, blocks in video_study.readings_by_length.items()
        },
        "inside segments": [
            {
                "sense": one.modality,
                "length": one.deviation.segment_length,
                "segments": one.deviation.segment_count,
                "videos": one.video_count,
                "sd": None if one.within_sd is None else [value.to_json() for value in one.within_sd],
                "share of scatter": [
                    None if np.isnan(share) else share for share in one.deviation.within_share
                ],
            }
            for one in video_study.variations
        ],
        "p over all sets": adjust_p_over_sets(ours),
    }


def _count_segments(readings: MultimodalReadings) -> dict[str, int]:
    return {sense: int((~np.isnan(rows).any(axis=1)).sum()) for sense, rows in readings.by_modality.items()}


def _explain_too_few(video_ids: Strings) -> str:
    """Why segments of these videos (n,), which have all senses asked for, are too few; empty if not."""
    count = len(set(video_ids.tolist()))
    if len(video_ids) >= MIN_PAIRS and count >= MIN_VIDEOS:
        return ""
    least = f"{MIN_PAIRS} of {MIN_VIDEOS} videos are needed"
    return f"{len(video_ids)} segments of {count} videos have these senses; {least}"


def _select_modalities(readings: MultimodalReadings, modalities: Sequence[str]) -> MultimodalReadings:
    return MultimodalReadings(
        name=readings.name, by_modality={name: readings.by_modality[name] for name in modalities},
        columns={name: readings.columns[name] for name in modalities}, groups=readings.groups,
        emotions=readings.emotions, exchange=readings.exchange,
    )  # fmt: skip


def _concatenate_readings(videos: Sequence[VideoAffect], modality: str) -> tuple[Floats, Floats, Strings]:
    parts = list(iterate_readings(videos, modality))
    rows = np.concatenate([rows for _, rows, _ in parts]).astype(np.float64)
    owners: Strings = np.repeat([video for video, _, _ in parts], [len(rows) for _, rows, _ in parts])
    return rows, np.concatenate([seconds for _, _, seconds in parts]), owners
