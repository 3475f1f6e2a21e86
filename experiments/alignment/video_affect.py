"""Affect of pictures, sound and faces of a folder's videos over time, sampled as in the circumplex report.

One picture a second, sound every half second and of whole segments (sections 7 and 8). A video is decoded
once; its record is a file in the cache folder, named by the video's content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from encoders import AffectError, MissingBackendError, get_cache_dir, to_printable
from encoders.media import DecodedSegment, DecoderPool, OpenedFile, Sampling
from experiments.alignment.video_encoding import OpenVideo
from experiments.alignment.video_records import VideoFolder, load_video_affect, save_video_affect
from experiments.features.streaming import DECODER_PROCESSES
from retrieval.features import FeaturePipeline, LoopStep, PipelineConfig, encode_files
from retrieval.indexing.file_scan import find_media_files
from retrieval.progress_reporter import ProgressReporter

MessageCallback = Callable[[str], None]

BLOCK_SECONDS = 30.0  # seconds decoded at a time
CACHE_VERSION = 2  # raise it when the record of the same video would differ


def load_affect_pipeline() -> FeaturePipeline:
    """The packaged encoders of images, sound and faces. Raises MissingBackendError without one."""
    pipeline = FeaturePipeline(PipelineConfig.default(activity="", sentiment=""))
    if lacking := [sense for sense in ("image", "sound") if sense not in pipeline.affect_model.regressors]:
        raise MissingBackendError(
            f"no packaged head reads valence and arousal of {' and '.join(lacking)}; install again"
        )
    return pipeline


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
    video_folder = VideoFolder(name=to_printable(folder.resolve().name or folder))

    def mark_unreadable(path: Path, reason: str) -> None:
        video_folder.unreadable[to_printable(path)] = reason
        on_unreadable(f"{to_printable(path)}: {reason}")

    paths = list(find_media_files([folder], mark_unreadable, get_cache_dir()))
    reader = _VideoReader(pipeline, tuple(segment_lengths), video_folder)
    with ProgressReporter("align", unit="files", quiet=quiet) as report:
        reader.read(paths, mark_unreadable, lambda done: report.update("reading videos", done, len(paths)))
    if not video_folder.videos:
        raise AffectError(
            f"{to_printable(folder)}: no video with sound that can be read, among {len(paths)} media files"
        )
    video_folder.videos.sort(key=lambda video: video.digest)  # files end in any order
    return video_folder


class _VideoReader:
    """Reads blocks as they come, and stores each video once it is complete."""

    def __init__(
        self, pipeline: FeaturePipeline, segment_lengths: tuple[float, ...], video_folder: VideoFolder
    ) -> None:
        self._pipeline, self._segment_lengths, self._video_folder = pipeline, segment_lengths, video_folder
        self._sampling = Sampling(
            segment_seconds=BLOCK_SECONDS, fps=1.0, max_frames=None, sample_rate=pipeline.sample_rate
        )
        settings = json.dumps(
            [CACHE_VERSION, pipeline.make_signature(), repr(self._sampling), segment_lengths]
        )
        digest = hashlib.sha256(settings.encode()).hexdigest()[:12]
        self._cache_folder = get_cache_dir() / "watched" / digest
        self._open_videos: dict[Path, OpenVideo] = {}
        self._seen_digests: set[str] = set()

    def read(
        self,
        paths: Sequence[Path],
        mark_unreadable: Callable[[Path, str], None],
        on_progress: Callable[[int], None],
    ) -> None:
        """Read all files; `on_progress` gets how many are done."""
        done = 0
        on_progress(done)
        with DecoderPool(max(1, min(DECODER_PROCESSES, len(paths))), self._sampling) as pool:
            for step in encode_files(pool.read(paths, self.should_decode), self.encode_blocks):
                self.handle_step(step)
                if step.failed_file:
                    mark_unreadable(step.failed_file.path, step.failed_file.error.reason)
                done += len(step.completed_files) + (step.failed_file is not None)
                on_progress(done)

    def should_decode(self, opened: OpenedFile) -> bool:
        """Whether a file is a video with sound that is not in the cache; a record in the cache is taken."""
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
        stored = load_video_affect(self._make_cache_path(digest), digest, self._segment_lengths)
        if stored is not None:
            self._video_folder.videos.append(stored)
            return False
        self._open_videos[opened.path] = OpenVideo(
            self._pipeline, digest, probe.duration, self._sampling.sample_rate, self._segment_lengths
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
            save_video_affect(self._make_cache_path(video.digest), video)
            self._video_folder.videos.append(video)
        if step.failed_file and step.failed_file.path in self._open_videos:
            self._seen_digests.discard(
                self._open_videos.pop(step.failed_file.path).digest
            )  # a copy may be whole

    def _make_cache_path(self, digest: str) -> Path:
        return self._cache_folder / f"{digest}.safetensors"
