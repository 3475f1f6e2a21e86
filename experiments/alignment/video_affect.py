"""Affect of the pictures, sound and faces of a folder's videos, moment by moment, as the report took them.

One picture a second, sound every half second and of whole segments (circumplex report, sections 7 and 8). A
video is decoded once; what was read of it is a file in the cache folder, named by what it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.acoustic.features import split_sliding_windows
from encoders.base import AffectError, Audio, MissingBackendError, Rows, encode_all, to_printable
from encoders.files import get_cache_dir, write_atomically
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, OpenedFile
from experiments.features.streaming import DECODER_PROCESSES
from retrieval.features.batching import LoopStep, encode_files
from retrieval.features.config import PipelineConfig
from retrieval.features.extraction import WINDOW_HOP_SECONDS
from retrieval.features.pipeline import FeaturePipeline
from retrieval.indexing.file_scan import find_media_files
from retrieval.progress_reporter import ProgressReporter
from retrieval.storage.locking import translate_disk_errors

Floats = npt.NDArray[np.float64]
MessageCallback = Callable[[str], None]

BLOCK_SECONDS = 30.0  # seconds decoded at a time
CACHE_VERSION = 1  # raise it when the same video would be read otherwise


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoAffect:
    """A video of `duration` seconds, as the experts read it: rows (n, 4) of affect, NaN where they abstain.

    picture, face: of each picture, shown at `picture_times` (n,) seconds; faces as they are on that picture
    sound:  of 3 s of sound about each of `sound_times` (w,) seconds
    whole_sound: by length of segment, of the sound of each whole segment; row k begins at k lengths
    digest: of the file's content
    """

    digest: str
    duration: float
    picture: Rows
    face: Rows
    picture_times: Floats
    sound: Rows
    sound_times: Floats
    whole_sound: Mapping[float, Rows]


@dataclass(kw_only=True)
class VideoFolder:
    """What a folder gave: its videos, how many files there were, and why some were left out."""

    name: str
    videos: list[VideoAffect] = field(default_factory=list)
    silent_count: int = 0
    duplicate_count: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def load_affect_pipeline() -> FeaturePipeline:
    """The packaged encoders of pictures, sound and faces. Raises MissingBackendError without one."""
    experts = FeaturePipeline(PipelineConfig.default().replace(activity="", sentiment=""))
    if lacking := [sense for sense in ("image", "sound") if sense not in experts.affect_model.regressors]:
        raise MissingBackendError(
            f"no packaged head reads valence and arousal of {' and '.join(lacking)}; install again"
        )
    return experts


def read_video_affect(
    folder: Path,
    segment_lengths: Sequence[float],
    *,
    pipeline: FeaturePipeline,
    on_unreadable: MessageCallback = lambda _: None,
    quiet: bool = False,
) -> VideoFolder:
    """Read every video with a sound track below a folder, each content once; kept ones are not read again.

    segment_lengths: of segments in seconds, of which the whole sound is read too
    on_unreadable: gets a line for each file that can't be read, which costs no other

    Raises AffectError for a folder that can't be read, or without a video with sound.
    """
    found = VideoFolder(name=to_printable(folder.resolve().name or folder))

    def mark_unreadable(path: Path, reason: str) -> None:
        found.unreadable[to_printable(path)] = reason
        on_unreadable(f"{to_printable(path)}: {reason}")

    files = list(find_media_files([folder], mark_unreadable, get_cache_dir()))
    sampling = Sampling(
        segment_seconds=BLOCK_SECONDS, fps=1.0, max_frames=None, sample_rate=pipeline.sample_rate
    )
    reader = _VideoReader(pipeline, sampling, tuple(segment_lengths), found)
    done = 0
    with ProgressReporter("align", unit="files", quiet=quiet) as report:
        report.update("reading videos", 0, len(files))
        with DecoderPool(max(1, min(DECODER_PROCESSES, len(files))), sampling) as pool:
            for step in encode_files(pool.read(files, reader.should_decode), reader.encode_blocks):
                reader.handle_step(step)
                if step.failed_file:
                    mark_unreadable(step.failed_file.path, step.failed_file.error.reason)
                done += len(step.completed_files) + (step.failed_file is not None)
                report.update("reading videos", done, len(files))
    if not found.videos:
        raise AffectError(
            f"{to_printable(folder)}: no video with sound that can be read, among {len(files)} media files"
        )
    found.videos.sort(key=lambda one: one.digest)  # files end in any order
    return found


class _VideoReader:
    """Reads blocks as they come; what is whole is kept on disk."""

    def __init__(
        self,
        pipeline: FeaturePipeline,
        sampling: Sampling,
        segment_lengths: tuple[float, ...],
        video_folder: VideoFolder,
    ) -> None:
        told = json.dumps([CACHE_VERSION, pipeline.make_signature(), repr(sampling), segment_lengths])
        self._cache_folder = get_cache_dir() / "watched" / hashlib.sha256(told.encode()).hexdigest()[:12]
        self._pipeline, self._sample_rate, self._segment_lengths, self._video_folder = (
            pipeline,
            sampling.sample_rate,
            segment_lengths,
            video_folder,
        )
        self._open_videos: dict[Path, _OpenVideo] = {}
        self._seen_digests: set[str] = set()

    def should_decode(self, opened: OpenedFile) -> bool:
        """A video with sound that nothing is known of; what is known is taken here."""
        probe, digest = opened.probe, opened.digest
        if probe.modality != "video" or not probe.duration:
            return False
        if probe.sample_rate is None:
            self._video_folder.silent_count += 1
            return False
        if digest in self._seen_digests:
            self._video_folder.duplicate_count += 1
            return False
        self._seen_digests.add(digest)
        kept = _load_cached(self._make_cache_path(digest), digest, self._segment_lengths)
        if kept is not None:
            self._video_folder.videos.append(kept)
            return False
        self._open_videos[opened.path] = _OpenVideo(
            self._pipeline, digest, probe.duration, self._sample_rate, self._segment_lengths
        )
        return True

    def encode_blocks(self, parts: Sequence[DecodedSegment]) -> list[None]:
        """Encode blocks, in order within each video; their rows are kept with the open videos."""
        for part in parts:
            self._open_videos[part.path].add_block(part.segment)
        return [None] * len(parts)

    def handle_step(self, step: LoopStep[None]) -> None:
        """Store the videos that are complete."""
        for path in [file.path for file in step.completed_files if file.path in self._open_videos]:
            video = self._open_videos.pop(path).finish()
            _save_cached(self._make_cache_path(video.digest), video)
            self._video_folder.videos.append(video)
        if step.failed_file and step.failed_file.path in self._open_videos:
            self._seen_digests.discard(
                self._open_videos.pop(step.failed_file.path).digest
            )  # a copy may be whole

    def _make_cache_path(self, digest: str) -> Path:
        return self._cache_folder / f"{digest}.safetensors"


class _OpenVideo:
    """One video while it is read."""

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
        self._segmenters = {length: _AudioSegmenter(length, sample_rate) for length in segment_lengths}
        self._rows: dict[str, list[Rows]] = {"picture": [], "face": [], "sound": []}
        self._whole_sound: dict[float, list[Rows]] = {length: [] for length in segment_lengths}
        self._times: dict[str, list[Floats]] = {"shown": [], "heard": []}

    def add_block(self, block: Segment) -> None:
        start, end = block.start or 0.0, block.end or self._duration
        frames = [] if block.frames is None else [frame[None] for frame in block.frames]
        self._rows["picture"].append(_predict_affect(self._pipeline, "image", ("objects",), frames))
        roles = ("faces",) if self._pipeline.has_role("faces") else ()
        self._rows["face"].append(_predict_affect(self._pipeline, "face", roles, frames))
        self._times["shown"].append(np.array(block.frame_times, np.float64))
        if block.audio is not None:
            parts, starts = split_sliding_windows(block.audio, WINDOW_HOP_SECONDS)
            self._rows["sound"].append(self._predict_audio_affect(parts))
            self._times["heard"].append(start + starts + WINDOW_HOP_SECONDS / 2)
        samples = np.empty(0, np.float32) if block.audio is None else block.audio.samples
        if end < self._duration:  # what follows must stay where it is
            size = round(end * self._sample_rate) - round(start * self._sample_rate)
            samples = np.pad(samples[:size], (0, max(size - len(samples), 0)))
        for length, cutter in self._segmenters.items():
            self._whole_sound[length].append(self._predict_audio_affect(cutter.cut(samples)))

    def finish(self) -> VideoAffect:
        for length, cutter in self._segmenters.items():
            self._whole_sound[length].append(self._predict_audio_affect(cutter.flush()))
        shown, heard = (np.concatenate([np.empty(0), *self._times[name]]) for name in ("shown", "heard"))
        return VideoAffect(
            digest=self.digest, duration=self._duration, picture_times=shown, sound_times=heard,
            picture=_concatenate_rows(self._rows["picture"]), face=_concatenate_rows(self._rows["face"]),
            sound=_concatenate_rows(self._rows["sound"]),
            whole_sound={length: _concatenate_rows(rows) for length, rows in self._whole_sound.items()},
        )  # fmt: skip

    def _predict_audio_affect(self, clips: Sequence[Audio]) -> Rows:
        regressors = self._pipeline.affect_model.regressors
        roles = tuple(role for role in ("tone", "sound") if role in regressors["sound"].encoder_signatures)
        return _predict_affect(self._pipeline, "sound", roles, clips)


class _AudioSegmenter:
    """Cuts sound that comes in blocks into windows of one length, from second 0 on."""

    def __init__(self, segment_length: float, sample_rate: int) -> None:
        self._segment_length, self._sample_rate = segment_length, sample_rate
        self._remaining = np.empty(0, np.float32)
        self._start_sample, self._segment_index = 0, 0  # of what is left: its first sample, and its window

    def cut(self, samples: npt.NDArray[np.float32]) -> list[Audio]:
        """The windows that are whole with these samples."""
        self._remaining = np.concatenate([self._remaining, samples])
        found = []
        while (
            size := round((self._segment_index + 1) * self._segment_length * self._sample_rate)
            - self._start_sample
        ) <= len(self._remaining):
            found.append(Audio(samples=self._remaining[:size], sample_rate=self._sample_rate))
            self._remaining = self._remaining[size:]
            self._start_sample, self._segment_index = self._start_sample + size, self._segment_index + 1
        return found

    def flush(self) -> list[Audio]:
        """The last window, which may be short."""
        return [Audio(samples=self._remaining, sample_rate=self._sample_rate)] if len(self._remaining) else []


def _predict_affect(
    pipeline: FeaturePipeline, modality: str, roles: Sequence[str], items: Sequence[object]
) -> Rows:
    """(n, 4) of items by the experts of some roles; NaN where there is nobody to read them."""
    if not items or not roles:
        return np.full((len(items), 4), np.nan, np.float32)
    features = {role: encode_all(pipeline.get_encoder(role), items) for role in roles}
    found = pipeline.estimate_affect_by_modality(features).get(modality)
    return np.full((len(items), 4), np.nan, np.float32) if found is None else found


def _concatenate_rows(rows: Sequence[Rows]) -> Rows:
    return np.concatenate([np.empty((0, 4), np.float32), *rows]).astype(np.float32)


# kept on disk

STORED_ARRAYS: Mapping[str, str] = {
    "picture": "picture", "face": "face", "sound": "sound", "picture_times": "shown", "sound_times": "heard",
}  # fmt: skip
"""Attributes of a video that are arrays, and what its file calls them."""


def _save_cached(path: Path, video: VideoAffect) -> None:
    arrays = {key: np.ascontiguousarray(getattr(video, name)) for name, key in STORED_ARRAYS.items()}
    arrays |= {f"whole {length:g}": np.ascontiguousarray(rows) for length, rows in video.whole_sound.items()}
    arrays["duration"] = np.array([video.duration])
    with translate_disk_errors(get_cache_dir()):
        write_atomically(path, save(arrays))


def _load_cached(path: Path, digest: str, segment_lengths: Sequence[float]) -> VideoAffect | None:
    """None where there is no such file or it is spoilt."""
    try:
        found = load(path.read_bytes())
        return VideoAffect(
            digest=digest, duration=float(found["duration"][0]),
            **{name: found[key] for name, key in STORED_ARRAYS.items()},
            whole_sound={length: found[f"whole {length:g}"] for length in segment_lengths},
        )  # fmt: skip
    except (OSError, KeyError, ValueError, IndexError, SafetensorError):
        return None


def iterate_readings(videos: Sequence[VideoAffect], modality: str) -> Iterator[tuple[str, Rows, Floats]]:
    """(video, rows (n, 4), seconds (n,)) of one of the senses picture, sound and face."""
    for one in videos:
        yield (
            one.digest,
            getattr(one, modality),
            one.sound_times if modality == "sound" else one.picture_times,
        )
