"""Anchors of videos at several segment lengths: readings by modality, and their variation inside segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoders import AffectError
from experiments.alignment.bootstrap import GroupBootstrap, make_estimate
from experiments.alignment.pairs import (
    AFFECT_COLUMNS,
    Floats,
    MultimodalReadings,
    PairedReadings,
    Strings,
)
from experiments.alignment.runner import MIN_PAIRS
from experiments.alignment.segment_variance import (
    SegmentDeviation,
    average_segments,
    compute_segment_scatter,
    measure_deviation,
)
from experiments.alignment.set_result import SetResult
from experiments.alignment.video_records import VideoAffect, VideoFolder, iterate_readings
from experiments.statistics.holm import adjust_holm
from retrieval.evaluation import Estimate

MIN_VIDEOS = 10  # videos below which a bootstrap or permutation over whole videos has no meaning
MIN_SEGMENT_SHARE = 0.5  # share of the segment length that the last segment of a video must have
MODALITIES = ("sound", "whole sound", "face", "picture")
MODALITY_PAIRS = (("sound", "picture"), ("whole sound", "picture"), ("face", "picture"), ("sound", "face"))
GPA_MODALITIES = ("sound", "face", "picture")
FEW_VIDEOS_NOTE = (
    "an agreement that some dozen videos do not show can be there: read the intervals, not the verdict alone"
)
MAX_SEGMENT_S, MIN_SEGMENT_S = 600.0, 1.0  # seconds a segment


@dataclass(frozen=True, kw_only=True)
class ModalityVariation:
    """Variation of one modality's readings inside segments of one length.

    within_sd: (2,) root mean square standard deviation of valence and arousal, with intervals over whole
        videos if there are enough; None where no segment has two readings
    """

    modality: str
    deviation: SegmentDeviation
    video_count: int
    within_sd: tuple[Estimate, ...] | None


@dataclass(frozen=True, kw_only=True)
class VideoStudy:
    """A folder's videos as anchors.

    readings_by_length: readings of its segments, by segment length in seconds
    variations: of each modality at each length
    """

    folder: VideoFolder
    segment_lengths: tuple[float, ...]
    readings_by_length: Mapping[float, MultimodalReadings]
    variations: tuple[ModalityVariation, ...]

    @property
    def total_duration(self) -> float:
        """Seconds of all videos."""
        return sum(video.duration for video in self.folder.videos)

    def make_pairs(self) -> dict[str, PairedReadings]:
        """Sets by name, the short segments first."""
        return {
            pairs.name: replace(pairs, notes=(FEW_VIDEOS_NOTE,))
            for readings in self.readings_by_length.values()
            for pairs in readings.make_pairs()
            if pairs.modalities in MODALITY_PAIRS
        }

    def select_gpa_readings(self) -> tuple[list[MultimodalReadings], dict[str, str]]:
        """Readings of GPA_MODALITIES for each length, and the reason by name of those left out."""
        selected, left_out = [], {}
        for readings in self.readings_by_length.values():
            gpa_readings = _select_modalities(readings, GPA_MODALITIES)
            rows = np.concatenate(list(gpa_readings.by_modality.values()), axis=1)
            if reason := _explain_too_few(gpa_readings.row_groups[~np.isnan(rows).any(axis=1)]):
                left_out[f"{gpa_readings.name}: {', '.join(GPA_MODALITIES)} together"] = reason
            else:
                selected.append(gpa_readings)
        return selected, left_out


def parse_segment_lengths(text: str) -> tuple[float, ...]:
    """Seconds from "2,5,10,15", ascending, each once. Raises AffectError."""
    try:
        lengths = tuple(sorted({float(part) for part in text.split(",") if part.strip()}))
    except ValueError as error:
        raise AffectError(f"--lengths {text}: seconds such as 2,5,10,15") from error
    if not lengths or not all(MIN_SEGMENT_S <= length <= MAX_SEGMENT_S for length in lengths):
        raise AffectError(
            f"--lengths {text}: one or more, each {MIN_SEGMENT_S:g} to {MAX_SEGMENT_S:g} seconds"
        )
    return lengths


def make_video_study(video_folder: VideoFolder, segment_lengths: Sequence[float], *, seed: int) -> VideoStudy:
    """Readings and variations at every segment length, in seconds."""
    return VideoStudy(
        folder=video_folder,
        segment_lengths=tuple(segment_lengths),
        readings_by_length={
            length: compute_segment_readings(video_folder, length) for length in segment_lengths
        },
        variations=tuple(
            variation
            for modality in ("picture", "sound", "face")
            for length in segment_lengths
            if (variation := measure_variation(video_folder.videos, modality, length, seed=seed)) is not None
        ),
    )


def compute_segment_readings(video_folder: VideoFolder, segment_length: float) -> MultimodalReadings:
    """Valence and arousal of all segments that are at least half as long as `segment_length`, by modality.

    Readings of pictures, of faces and of windows of sound are averaged over the segment; "whole sound" is
    predicted from the sound of the whole segment. NaN where a modality is missing.
    """
    segments = [
        (video.digest, number)
        for video in video_folder.videos
        for number in range(int(np.ceil(video.duration / segment_length)))
        if video.duration - number * segment_length >= MIN_SEGMENT_SHARE * segment_length - 1e-6
    ]
    row_by_segment = {segment: row for row, segment in enumerate(segments)}
    readings = {modality: np.full((len(segments), 2), np.nan) for modality in MODALITIES}
    for modality in ("sound", "face", "picture"):
        rows, seconds, video_ids = _concatenate_readings(video_folder.videos, modality)
        if np.isnan(rows).any(axis=1).all():
            continue
        averages = average_segments(rows[:, :2], seconds, video_ids, segment_length)
        for mean, video, start in zip(averages.means, averages.videos, averages.starts, strict=True):
            row = row_by_segment.get((str(video), round(start / segment_length)))
            if row is not None:
                readings[modality][row] = mean
    for video in video_folder.videos:
        for number, affect in enumerate(video.whole_sound[segment_length]):
            row = row_by_segment.get((video.digest, number))
            if row is not None:
                readings["whole sound"][row] = affect[:2]
    return MultimodalReadings(
        name=f"{video_folder.name} {segment_length:g} s",
        by_modality=readings,
        columns=dict.fromkeys(MODALITIES, AFFECT_COLUMNS),
        groups=np.array([video_id for video_id, _ in segments], np.str_),
        emotions=None,
        exchange="groups",
    )


def measure_variation(
    videos: Sequence[VideoAffect], modality: str, segment_length: float, *, seed: int
) -> ModalityVariation | None:
    """Variation of one modality inside segments; None where it has no readings."""
    rows, seconds, video_ids = _concatenate_readings(videos, modality)
    if np.isnan(rows).any(axis=1).all():
        return None
    deviation = measure_deviation(rows[:, :2], seconds, video_ids, segment_length)
    scatter, freedom, owners = compute_segment_scatter(rows[:, :2], seconds, video_ids, segment_length)
    scatter, owners, freedom = scatter[freedom > 0], owners[freedom > 0], freedom[freedom > 0]
    video_count = len(set(owners.tolist()))
    within_sd: tuple[Estimate, ...] | None
    if not video_count:
        within_sd = None
    elif video_count < MIN_VIDEOS:
        within_sd = tuple(Estimate(value=value) for value in deviation.within_sd)
    else:
        bootstrap = GroupBootstrap(owners, seed)
        variances = [bootstrap.ratio(column, freedom) for column in scatter.T]
        within_sd = tuple(make_estimate(float(np.sqrt(value)), np.sqrt(draws)) for value, draws in variances)
    return ModalityVariation(
        modality=modality, deviation=deviation, video_count=video_count, within_sd=within_sd
    )


def check_enough_videos(pairs: PairedReadings) -> PairedReadings:
    """The same pairs. Raises AffectError where too few videos have both modalities."""
    is_complete = ~np.isnan(np.concatenate([pairs.source, pairs.target], axis=1)).any(axis=1)
    if reason := _explain_too_few(pairs.groups[is_complete]):
        raise AffectError(reason)
    return pairs


def adjust_p_over_sets(results: Mapping[str, SetResult]) -> dict[str, float]:
    """By set, the least p of its maps after Holm's correction over maps, and again over these sets."""
    least_p = {name: min(row.holm for row in result.maps) for name, result in results.items()}
    return dict(zip(least_p, adjust_holm(list(least_p.values())), strict=True))


def _explain_too_few(video_ids: Strings) -> str:
    """Why complete segments of these videos (n,) are too few to be studied; empty if they are enough."""
    video_count = len(set(video_ids.tolist()))
    if len(video_ids) >= MIN_PAIRS and video_count >= MIN_VIDEOS:
        return ""
    required = f"{MIN_PAIRS} of {MIN_VIDEOS} videos are needed"
    return f"{len(video_ids)} segments of {video_count} videos have these senses; {required}"


def _select_modalities(readings: MultimodalReadings, modalities: Sequence[str]) -> MultimodalReadings:
    return replace(
        readings,
        by_modality={name: readings.by_modality[name] for name in modalities},
        columns={name: readings.columns[name] for name in modalities},
    )


def _concatenate_readings(videos: Sequence[VideoAffect], modality: str) -> tuple[Floats, Floats, Strings]:
    """Rows (n, 4) of affect of all videos, their seconds (n,) and the video of each (n,)."""
    readings = list(iterate_readings(videos, modality))
    rows = np.concatenate([rows for _, rows, _ in readings]).astype(np.float64)
    video_ids: Strings = np.repeat(
        [video for video, _, _ in readings], [len(rows) for _, rows, _ in readings]
    )
    return rows, np.concatenate([seconds for _, _, seconds in readings]), video_ids
