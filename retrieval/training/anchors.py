"""Anchors of the alignment of affect: video segments with both audio and images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import is_missing_row
from retrieval.storage import Library, load_snapshot
from retrieval.training.captioned_items import format_first_names

Floats = npt.NDArray[np.float64]

AFFECT_ROLES = ("objects", "sound", "tone")  # inputs of image and audio affect
FOLD_COUNT = 5
MIN_SEGMENTS = 30  # segments with audio and images, in FOLD_COUNT videos or more


@dataclass(frozen=True, kw_only=True, eq=False)
class Anchors:
    """Affect (n, 2) of the audio and of the images of n video segments, and the video of each (n,).

    skipped_paths: paths of videos without such a segment
    """

    audio_affect: Floats
    image_affect: Floats
    video_ids: npt.NDArray[np.str_]
    skipped_paths: tuple[str, ...] = ()

    @property
    def video_count(self) -> int:
        """Number of videos."""
        return len(set(self.video_ids.tolist()))

    @property
    def is_sufficient(self) -> bool:
        """Whether there are enough to fit and evaluate a map."""
        return len(self.video_ids) >= MIN_SEGMENTS and self.video_count >= FOLD_COUNT

    def format_messages(self) -> list[str]:
        """Lines for the user: the number of anchors, the number needed, and the videos left out."""
        counts = f"{len(self.video_ids)} segments with sound and pictures, of {self.video_count} videos"
        lines = [f"alignment: {counts} (needs {MIN_SEGMENTS}, of {FOLD_COUNT})"]
        if self.skipped_paths:
            count = f"{len(self.skipped_paths)} video{'' if len(self.skipped_paths) == 1 else 's'}"
            lines.append(
                f"{count} without mood of both sound and pictures: {format_first_names(self.skipped_paths)}"
            )
        return lines


def load_anchors(library: Library) -> Anchors:
    """The video segments with affect of both audio and images, without any alignment.

    Raises MissingBackendError where an encoder is not here, without which no map can be installed.
    """
    library.pipeline.require_encoders()
    pipeline, snapshot = library.pipeline.without_alignment(), load_snapshot(library)
    segments = np.flatnonzero(snapshot.mask_modality("video"))
    videos = snapshot.columns.ids[snapshot.item_by_segment[segments]].astype(np.str_)
    segments, videos = segments[np.argsort(videos, kind="stable")], np.sort(videos)
    rows = {
        role: library.vectors.load(role, segments) for role in pipeline.media_roles if role in AFFECT_ROLES
    }
    features = {role: matrix for role, matrix in rows.items() if matrix is not None}
    affect = pipeline.estimate_affect_by_modality(features) if features and len(segments) else {}
    if not {"sound", "image"} <= affect.keys():
        return Anchors(
            audio_affect=np.empty((0, 2)), image_affect=np.empty((0, 2)), video_ids=videos[:0],
            skipped_paths=_list_item_paths(library, videos),
        )  # fmt: skip
    has_both = ~is_missing_row(affect["sound"]) & ~is_missing_row(affect["image"])
    audio, image = (np.asarray(affect[name][has_both, :2], np.float64) for name in ("sound", "image"))
    skipped = _list_item_paths(library, np.setdiff1d(videos, videos[has_both]))
    return Anchors(audio_affect=audio, image_affect=image, video_ids=videos[has_both], skipped_paths=skipped)


def _list_item_paths(library: Library, item_ids: npt.NDArray[np.str_]) -> tuple[str, ...]:
    """One path of each item, in order."""
    paths = {entry.item_id: str(path) for path, entry in library.catalog.load_files().items()}
    return tuple(sorted(paths[item] for item in set(item_ids.tolist())))
