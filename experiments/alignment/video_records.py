"""Records of affect of videos over time, and their files in the cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import MALFORMED_FILE_ERRORS, Rows, get_cache_dir, read_safetensors, write_safetensors
from retrieval.storage import translate_disk_errors

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoAffect:
    """A video of `duration` seconds: rows (n, 4) of affect over time, NaN where there is no estimate.

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
    """The videos of a folder, and how many files were left out, and why."""

    name: str
    videos: list[VideoAffect] = field(default_factory=list)
    silent_count: int = 0
    duplicate_count: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


STORED_ARRAYS: Mapping[str, str] = {
    "picture": "picture", "face": "face", "sound": "sound", "picture_times": "shown", "sound_times": "heard",
}  # fmt: skip
"""Attributes of a video that are arrays, and what its file calls them."""


def save_video_affect(path: Path, video: VideoAffect) -> None:
    """Write a record into the cache. Raises AffectError when the disk is full."""
    arrays = {key: np.ascontiguousarray(getattr(video, name)) for name, key in STORED_ARRAYS.items()}
    arrays |= {f"whole {length:g}": np.ascontiguousarray(rows) for length, rows in video.whole_sound.items()}
    arrays["duration"] = np.array([video.duration])
    with translate_disk_errors(get_cache_dir()):
        write_safetensors(path, arrays)


def load_video_affect(path: Path, digest: str, segment_lengths: Sequence[float]) -> VideoAffect | None:
    """A record from the cache; None where there is no such file or it is damaged."""
    try:
        arrays = read_safetensors(path).tensors
        return VideoAffect(
            digest=digest, duration=float(arrays["duration"][0]),
            **{name: arrays[key] for name, key in STORED_ARRAYS.items()},
            whole_sound={length: arrays[f"whole {length:g}"] for length in segment_lengths},
        )  # fmt: skip
    except MALFORMED_FILE_ERRORS:
        return None


def iterate_readings(videos: Sequence[VideoAffect], modality: str) -> Iterator[tuple[str, Rows, Floats]]:
    """(video, rows (n, 4), seconds (n,)) of one of the modalities picture, sound and face."""
    for video in videos:
        yield (
            video.digest,
            getattr(video, modality),
            video.sound_times if modality == "sound" else video.picture_times,
        )
