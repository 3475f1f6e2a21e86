"""Files of the training clips: speech, music and other sounds of the data sets and of Debian packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.datasets.animal_sounds import load_animal_sounds
from experiments.datasets.debian_voices import fetch_recordings
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.sonic_pi import load_sonic_pi_samples
from experiments.datasets.vgmidi import load_vgmidi
from experiments.datasets.wesnoth import get_track_group, list_wesnoth_excerpts

MUSIC_SAMPLE_PATTERN = re.compile("guit_|ambi_(choir|piano)|loop_(compus|garzul|mehackit|mika|safari|tabla)")
AMBIGUOUS_SAMPLE_PATTERN = re.compile(
    "loop_(?!3d|drone|weirdo)|arovane|bass_|tbd_(highkey|pad)|tabla_"
)  # samples that some would call music: left out
FRAGMENT_INTERVAL = 6  # every sixth clip of speech or music also yields a fragment
EXCERPTS_PER_TRACK = 3
EXCERPT_SECONDS = 10.0
EXCERPT_SPACING_SECONDS = 20.0  # between excerpts of a whole track
UNRATED = (float("nan"), float("nan"))


@dataclass(frozen=True, kw_only=True)
class ClipSource:
    """A file, its labels, and which part of it is used.

    kind, group, split, label, affect: as in `AudioClips`
    start_seconds: of an excerpt of EXCERPT_SECONDS; None for the whole file
    is_fragment:   whether it is cut to a fragment too short to be speech or music
    augmentation:  the key of AUGMENTATIONS; empty for that of the kind
    """

    path: Path
    kind: str
    group: str
    split: str
    label: str = ""
    affect: tuple[float, float] = UNRATED
    start_seconds: float | None = None
    is_fragment: bool = False
    augmentation: str = ""


def list_clip_sources(data_root: Path, include_samples: bool, include_packages: bool) -> Iterator[ClipSource]:
    """All sources, then the fragments, which are neither speech nor music.

    Raises AffectError where a set is missing, PackageUnavailable where a package can't be downloaded.
    """
    sources = [
        *_list_dataset_clips(data_root),
        *(_list_samples_and_tracks(data_root) if include_samples else ()),
        *(_list_package_recordings() if include_packages else ()),
    ]
    yield from sources
    for number, source in enumerate(sources):
        if source.kind != "other" and number % FRAGMENT_INTERVAL == 0:
            yield replace(source, kind="other", label="", affect=UNRATED, is_fragment=True, augmentation="")


def _list_dataset_clips(data_root: Path) -> Iterator[ClipSource]:
    for clip in load_ravdess_speech(data_root):
        yield ClipSource(
            path=clip.path, kind="speech", group=f"actor {clip.actor}", split=clip.split, label=clip.emotion
        )
    for piece in load_vgmidi(data_root):
        yield ClipSource(
            path=piece.path, kind="music", group=f"series {piece.group}", split=piece.split,
            affect=(piece.valence, piece.arousal),
        )  # fmt: skip
    for animal in load_animal_sounds(data_root):
        group = animal.labels[0] + animal.path.stem
        yield ClipSource(path=animal.path, kind="other", group=group, split=animal.split)


def _list_samples_and_tracks(data_root: Path) -> Iterator[ClipSource]:
    for sample in load_sonic_pi_samples(data_root):
        (name,) = sample.labels
        kind = "music" if MUSIC_SAMPLE_PATTERN.match(name) else "other"
        if kind == "other" and AMBIGUOUS_SAMPLE_PATTERN.match(name):
            continue
        group = "sample " + "_".join(name.split("_")[:2]).rstrip("0123456789")
        yield ClipSource(path=sample.path, kind=kind, group=group, split=sample.split)
    for path in list_wesnoth_excerpts(data_root):
        for number in range(EXCERPTS_PER_TRACK):
            yield ClipSource(
                path=path, kind="music", group=f"track {get_track_group(path)}", split="train",
                start_seconds=number * EXCERPT_SECONDS / 2,
            )  # fmt: skip


def _list_package_recordings() -> Iterator[ClipSource]:
    for recording in fetch_recordings():
        kind, group = recording.package.kind, recording.package.group
        if kind == "music":
            for number in range(EXCERPTS_PER_TRACK):
                yield ClipSource(
                    path=recording.path, kind=kind, group=f"{group} {recording.path.stem}", split="train",
                    start_seconds=number * EXCERPT_SPACING_SECONDS, augmentation="tune",
                )  # fmt: skip
        else:
            yield ClipSource(
                path=recording.path, kind=kind, group=group, split="train", start_seconds=0.0,
                augmentation="voice" if kind == "speech" else "",
            )  # fmt: skip
