"""The frames of many videos, decoded once: small squares at 6 frames a second."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from encoders import AffectError, Frames, describe_os_error, to_printable, write_atomically
from encoders.clipvip.frame_sampling import scale_to_square
from encoders.media import (
    DecodedSegment,
    DecoderPool,
    DecodingEvent,
    FailedFile,
    FinishedFile,
    OpenedFile,
    Sampling,
)
from experiments.datasets.msrvtt import find_video

FRAMES_PER_SECOND = 6.0  # of the re-encoded videos of CLIP-ViP and of the emotion report
CACHE_VERSION = 1  # raise it when decoding changes the frames
DECODER_PROCESSES = 2
MAX_VIDEOS_SHOWN = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoFrames:
    """Frames (n, side, side, 3) uint8 by video, and by video the reason why it can't be read.

    digests: of the files' content, by video
    """

    by_video: Mapping[str, Frames]
    unreadable: Mapping[str, str]
    digests: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Digest of all files with the videos they are of."""
        return hashlib.sha256(repr(sorted(self.digests.items())).encode()).hexdigest()

    def require_all(self) -> Mapping[str, Frames]:
        """The frames. Raises AffectError, with the first reasons, where a video can't be read."""
        if not self.unreadable:
            return self.by_video
        shown = list(self.unreadable.items())[:MAX_VIDEOS_SHOWN]
        more = ", ..." * (len(self.unreadable) > MAX_VIDEOS_SHOWN)
        raise AffectError(
            f"{len(self.unreadable)} of {len(self.unreadable) + len(self.by_video)} videos can't be read: "
            + ", ".join(f"{to_printable(video)} ({reason})" for video, reason in shown)
            + more
        )


def read_video_frames(
    path_by_video: Mapping[str, Path],
    *,
    side: int,
    cache_folder: Path | None = None,
    jobs: int = DECODER_PROCESSES,
    on_video: Callable[[int], None] = lambda done: None,
) -> VideoFrames:
    """Decode every video at 6 frames a second and scale its frames to squares of `side` pixels.

    cache_folder: where frames are kept, by the content of the files, and memory-mapped; an interrupted run
                  goes on there. Without one they are kept in memory
    on_video:     called with the number of videos done
    """
    sampling = Sampling(fps=FRAMES_PER_SECOND, max_frames=None, max_side=2 * side)
    reading = _Reading(_FrameCache(cache_folder, side), side)
    paths = dict.fromkeys(path_by_video.values())
    with DecoderPool(max(1, min(jobs, len(paths))), sampling) as pool:
        for event in pool.read(paths, reading.should_decode):
            if reading.record(event):
                on_video(len(reading.frames) + len(reading.reasons))
    readable = {video: path for video, path in path_by_video.items() if path in reading.frames}
    return VideoFrames(
        by_video={video: reading.frames[path] for video, path in readable.items()},
        unreadable={
            video: reading.reasons[path] for video, path in path_by_video.items() if path in reading.reasons
        },
        digests={video: reading.digests[path] for video, path in readable.items()},
    )


def read_videos(
    video_ids: Iterable[str], folder: Path, *, side: int, cache_folder: Path | None = None,
    on_video: Callable[[int, int], None] = lambda done, total: None,
) -> VideoFrames:  # fmt: skip
    """The frames of videos by their ids, whose files in `folder` are named so; others are unreadable.

    on_video: called with the numbers of videos done and of all that have a file

    Raises AffectError where no video has a file, or the cache can't be written.
    """
    found = {video: find_video(folder, video) for video in dict.fromkeys(video_ids)}
    paths = {video: files[0] for video, files in found.items() if files}
    if not paths:
        raise AffectError(
            f"{to_printable(folder)}: none of {len(found)} videos is here; wanted files such as "
            f"{to_printable(next(iter(found)))}.mp4"
        )
    try:
        read = read_video_frames(
            paths, side=side, cache_folder=cache_folder, on_video=lambda done: on_video(done, len(paths))
        )
    except OSError as error:
        raise AffectError(f"{to_printable(cache_folder or folder)}: {describe_os_error(error)}") from error
    missing = dict.fromkeys((video for video in found if video not in paths), "no such file")
    return replace(read, unreadable={**read.unreadable, **missing})


class _Reading:
    """Collects the frames of files that are decoded side by side."""

    def __init__(self, cache: _FrameCache, side: int) -> None:
        self.frames: dict[Path, Frames] = {}
        self.reasons: dict[Path, str] = {}
        self._cache, self._side = cache, side
        self._parts: dict[Path, list[Frames]] = {}
        self.digests: dict[Path, str] = {}

    def should_decode(self, opened: OpenedFile) -> bool:
        """Whether the cache lacks the file's frames."""
        self.digests[opened.path] = opened.digest
        return self._cache.load(opened.digest) is None

    def record(self, event: DecodingEvent) -> bool:
        """Take what was decoded; whether a file is done."""
        if isinstance(event, DecodedSegment):
            if event.segment.frames is not None:
                squares = scale_to_square(event.segment.frames, self._side)
                self._parts.setdefault(event.path, []).append(squares)
        elif isinstance(event, FailedFile):
            self._parts.pop(event.path, None)
            self.reasons[event.path] = event.error.reason
        elif isinstance(event, FinishedFile):
            self._finish(event.path)
        return isinstance(event, FinishedFile | FailedFile)

    def _finish(self, path: Path) -> None:
        parts, digest = self._parts.pop(path, []), self.digests[path]
        frames = self._cache.store(digest, np.concatenate(parts)) if parts else self._cache.load(digest)
        if frames is None:
            self.reasons[path] = "no frames"
        else:
            self.frames[path] = frames


@dataclass(frozen=True)
class _FrameCache:
    """Frames by the digest of a file's content; without a folder nothing is kept."""

    folder: Path | None
    side: int

    def load(self, digest: str) -> Frames | None:
        """Memory-mapped frames; None where there are none, or damaged ones."""
        if self.folder is None:
            return None
        try:
            frames: Frames = np.load(self._get_path(self.folder, digest), mmap_mode="r")
        except (OSError, ValueError):
            return None
        return frames

    def store(self, digest: str, frames: Frames) -> Frames:
        """Write frames; those to use from now on."""
        if self.folder is None:
            return frames
        content = io.BytesIO()
        np.save(content, frames)
        write_atomically(self._get_path(self.folder, digest), content.getvalue())
        stored = self.load(digest)
        return frames if stored is None else stored

    def _get_path(self, folder: Path, digest: str) -> Path:
        settings = f"frames-{CACHE_VERSION}-{FRAMES_PER_SECOND:g}fps-{self.side}px"
        return folder / settings / digest[:2] / f"{digest}.npy"
