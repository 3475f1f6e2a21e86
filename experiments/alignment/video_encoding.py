"""Affect of one video while it is decoded block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders import Audio, Rows, encode_all
from encoders.acoustic import split_sliding_windows
from encoders.media import Segment
from experiments.alignment.video_records import VideoAffect
from retrieval.features import EVENTS_ROLE, WINDOW_HOP_SECONDS, FeaturePipeline

Floats = npt.NDArray[np.float64]


class OpenVideo:
    """Rows of affect of a video, collected from its blocks in order."""

    def __init__(
        self,
        pipeline: FeaturePipeline,
        digest: str,
        duration: float,
        sample_rate: int,
        segment_lengths: Sequence[float],
    ) -> None:
        self.digest = digest
        self._pipeline, self._duration, self._sample_rate = pipeline, duration, sample_rate
        self._segmenters = {length: AudioSegmenter(length, sample_rate) for length in segment_lengths}
        self._rows: dict[str, list[Rows]] = {"picture": [], "face": [], "sound": []}
        self._whole_sound: dict[float, list[Rows]] = {length: [] for length in segment_lengths}
        self._times: dict[str, list[Floats]] = {"frames": [], "audio": []}

    def add_block(self, block: Segment) -> None:
        """Encode a block: its frames, windows of its audio, and the audio segments that it completes."""
        start, end = block.start or 0.0, block.end or self._duration
        frames = [] if block.frames is None else [frame[None] for frame in block.frames]
        self._rows["picture"].append(_predict_affect(self._pipeline, "image", ("objects",), frames))
        roles = ("faces",) if self._pipeline.has_role("faces") else ()
        self._rows["face"].append(_predict_affect(self._pipeline, "face", roles, frames))
        self._times["frames"].append(np.array(block.frame_times, np.float64))
        if block.audio is not None:
            parts, starts = split_sliding_windows(block.audio, WINDOW_HOP_SECONDS)
            self._rows["sound"].append(self._predict_audio_affect(parts))
            self._times["audio"].append(start + starts + WINDOW_HOP_SECONDS / 2)
        samples = np.empty(0, np.float32) if block.audio is None else block.audio.samples
        if end < self._duration:  # what follows must stay where it is
            size = round(end * self._sample_rate) - round(start * self._sample_rate)
            samples = np.pad(samples[:size], (0, max(size - len(samples), 0)))
        for length, segmenter in self._segmenters.items():
            self._whole_sound[length].append(self._predict_audio_affect(segmenter.cut(samples)))

    def finish(self) -> VideoAffect:
        """The whole video, once all blocks are added."""
        for length, segmenter in self._segmenters.items():
            self._whole_sound[length].append(self._predict_audio_affect(segmenter.flush()))
        picture_times, sound_times = (
            np.concatenate([np.empty(0), *self._times[name]]) for name in ("frames", "audio")
        )
        return VideoAffect(
            digest=self.digest, duration=self._duration, picture_times=picture_times,
            sound_times=sound_times,
            picture=_concatenate_rows(self._rows["picture"]), face=_concatenate_rows(self._rows["face"]),
            sound=_concatenate_rows(self._rows["sound"]),
            whole_sound={length: _concatenate_rows(rows) for length, rows in self._whole_sound.items()},
        )  # fmt: skip

    def _predict_audio_affect(self, clips: Sequence[Audio]) -> Rows:
        regressors = self._pipeline.affect_model.regressors
        read = {*regressors["sound"].encoder_signatures, EVENTS_ROLE}
        roles = tuple(role for role in self._pipeline.sound_roles if role in read)
        return _predict_affect(self._pipeline, "sound", roles, clips)


class AudioSegmenter:
    """Cuts audio that comes in blocks into segments of one length, from second 0 on."""

    def __init__(self, segment_length: float, sample_rate: int) -> None:
        self._segment_length, self._sample_rate = segment_length, sample_rate
        self._remaining = np.empty(0, np.float32)
        self._start_sample, self._segment_index = 0, 0  # of what remains: its first sample, and its segment

    def cut(self, samples: npt.NDArray[np.float32]) -> list[Audio]:
        """The segments that these samples complete."""
        self._remaining = np.concatenate([self._remaining, samples])
        segments = []
        while (
            size := round((self._segment_index + 1) * self._segment_length * self._sample_rate)
            - self._start_sample
        ) <= len(self._remaining):
            segments.append(Audio(samples=self._remaining[:size], sample_rate=self._sample_rate))
            self._remaining = self._remaining[size:]
            self._start_sample, self._segment_index = self._start_sample + size, self._segment_index + 1
        return segments

    def flush(self) -> list[Audio]:
        """The last segment, which may be short."""
        return [Audio(samples=self._remaining, sample_rate=self._sample_rate)] if len(self._remaining) else []


def _predict_affect(
    pipeline: FeaturePipeline, modality: str, roles: Sequence[str], items: Sequence[object]
) -> Rows:
    """(n, 4) of items by the encoders of some roles; NaN without an encoder or a regressor."""
    if not items or not roles:
        return np.full((len(items), 4), np.nan, np.float32)
    features = {role: encode_all(pipeline.get_encoder(role), items) for role in roles}
    rows = pipeline.estimate_affect_by_modality(features).get(modality)
    return np.full((len(items), 4), np.nan, np.float32) if rows is None else rows


def _concatenate_rows(rows: Sequence[Rows]) -> Rows:
    return np.concatenate([np.empty((0, 4), np.float32), *rows]).astype(np.float32)
