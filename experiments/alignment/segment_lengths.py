"""Anchors of videos at several lengths of segment: which senses are paired, and how much they vary inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from encoders.base import AffectError
from experiments.ablation.row_statistics import holm
from experiments.alignment.paired_sets import MOOD
from experiments.alignment.pairs import Blocks, Floats, Names, Pairs
from experiments.alignment.runner import FEWEST
from experiments.alignment.segment_variance import Deviation, deviation, scattered, segmented
from experiments.alignment.statistics import Draws, Found, figure
from experiments.alignment.video_affect import Folder, Watched, moments_of
from experiments.statistics.report import Figure

FEWEST_VIDEOS = 10  # groups that can be drawn and shuffled with any meaning
STARTED = 0.5  # of a segment must be there: a rest of a second is no segment of 15
SENSES = ("sound", "whole sound", "face", "picture")
PAIRED = (("sound", "picture"), ("whole sound", "picture"), ("face", "picture"), ("sound", "face"))
THREE = ("sound", "face", "picture")
FEW = (
    "an agreement that some dozen videos do not show can be there: read the intervals, not the verdict alone"
)
LONGEST, SHORTEST = 600.0, 1.0  # seconds a segment


@dataclass(frozen=True, kw_only=True)
class Varied:
    """How one sense's readings vary inside segments of one length.

    inside: (2,) root mean square SD of valence and arousal, with intervals over whole videos if those are not
            too few; None where no segment has two readings
    """

    sense: str
    found: Deviation
    videos: int
    inside: tuple[Figure, ...] | None


@dataclass(frozen=True, kw_only=True)
class Films:
    """A folder's videos as anchors.

    blocks: by length, the senses' readings of its segments; varied: of every length and sense
    """

    folder: Folder
    lengths: tuple[float, ...]
    blocks: Mapping[float, Blocks]
    varied: tuple[Varied, ...]

    @property
    def seconds(self) -> float:
        """Of all videos."""
        return sum(one.duration for one in self.folder.videos)

    def pairs(self) -> dict[str, Pairs]:
        """Sets by name, the short segments first."""
        return {
            one.name: replace(one, notes=(FEW,))
            for blocks in self.blocks.values()
            for one in blocks.pairs()
            if one.senses in PAIRED
        }

    def three(self) -> tuple[list[Blocks], dict[str, str]]:
        """Sound, face and picture, by length, sound being there once; and by name why some are left out."""
        found, left_out = [], {}
        for blocks in self.blocks.values():
            one = _only(blocks, THREE)
            here = ~np.isnan(np.concatenate(list(one.readings.values()), axis=1)).any(axis=1)
            if short := _short(one.owner[here]):
                left_out[f"{one.name}: {', '.join(THREE)} together"] = short
            else:
                found.append(one)
        return found, left_out


def read_lengths(text: str) -> tuple[float, ...]:
    """Seconds from "2,5,10,15", ascending, each once. Raises AffectError."""
    try:
        found = tuple(sorted({float(part) for part in text.split(",") if part.strip()}))
    except ValueError as bad:
        raise AffectError(f"--lengths {text}: seconds such as 2,5,10,15") from bad
    if not found or not all(SHORTEST <= length <= LONGEST for length in found):
        raise AffectError(f"--lengths {text}: one or more, each {SHORTEST:g} to {LONGEST:g} seconds")
    return found


def films(folder: Folder, lengths: Sequence[float], *, seed: int) -> Films:
    """Anchors and deviations at every length."""
    return Films(
        folder=folder, lengths=tuple(lengths),
        blocks={length: anchors(folder, length) for length in lengths},
        varied=tuple(
            one
            for sense in ("picture", "sound", "face")
            for length in lengths
            if (one := varied(folder.videos, sense, length, seed=seed)) is not None
        ),
    )  # fmt: skip


def anchors(folder: Folder, length: float) -> Blocks:
    """The senses' valence and arousal of all segments of which half or more is there; NaN where one abstains.

    Pictures, faces and half seconds of sound are averaged; "whole sound" is read at once.
    """
    places = [
        (one.digest, number)
        for one in folder.videos
        for number in range(int(np.ceil(one.duration / length)))
        if one.duration - number * length >= STARTED * length - 1e-6
    ]
    row = {place: at for at, place in enumerate(places)}
    readings = {sense: np.full((len(places), 2), np.nan) for sense in SENSES}
    for sense in ("sound", "face", "picture"):
        rows, seconds, videos = _gathered(folder.videos, sense)
        if np.isnan(rows).any(axis=1).all():
            continue
        found = segmented(rows[:, :2], seconds, videos, length)
        for mean, video, start in zip(found.means, found.videos, found.starts, strict=True):
            at = row.get((str(video), round(start / length)))
            if at is not None:
                readings[sense][at] = mean
    for one in folder.videos:
        for number, whole in enumerate(one.whole[length]):
            at = row.get((one.digest, number))
            if at is not None:
                readings["whole sound"][at] = whole[:2]
    return Blocks(
        name=f"{folder.name} {length:g} s", readings=readings, columns=dict.fromkeys(SENSES, MOOD),
        groups=np.array([video for video, _ in places], np.str_), emotions=None, exchange="groups",
    )  # fmt: skip


def varied(videos: Sequence[Watched], sense: str, length: float, *, seed: int) -> Varied | None:
    """How one sense varies inside segments; None where it says nothing."""
    rows, seconds, owners = _gathered(videos, sense)
    if np.isnan(rows).any(axis=1).all():
        return None
    found = deviation(rows[:, :2], seconds, owners, length)
    scatter, freedom, names = scattered(rows[:, :2], seconds, owners, length)
    scatter, names, freedom = scatter[freedom > 0], names[freedom > 0], freedom[freedom > 0]
    count = len(set(names.tolist()))
    if not count:
        inside = None
    elif count < FEWEST_VIDEOS:
        inside = tuple(Figure(value=value) for value in found.inside)
    else:
        draws = Draws(names, seed)
        ratios = [draws.ratio(column, freedom) for column in scatter.T]
        inside = tuple(figure(float(np.sqrt(value)), np.sqrt(drawn)) for value, drawn in ratios)
    return Varied(sense=sense, found=found, videos=count, inside=inside)


def enough(pairs: Pairs) -> Pairs:
    """The same. Raises AffectError where too few videos have both senses for intervals and shuffles."""
    here = ~np.isnan(np.concatenate([pairs.source, pairs.target], axis=1)).any(axis=1)
    if short := _short(pairs.groups[here]):
        raise AffectError(short)
    return pairs


def over_all(found: Mapping[str, Found]) -> dict[str, float]:
    """By set, the least p of its maps after Holm's correction over maps, and again over these sets."""
    least = {name: min(row.holm for row in one.rows) for name, one in found.items()}
    return dict(zip(least, holm(list(least.values())), strict=True))


def to_json(watched: Films, found: Mapping[str, Found]) -> dict[str, Any]:
    """For results.json."""
    ours = {name: found[name] for name in watched.pairs() if name in found}
    return {
        "folder": watched.folder.name, "videos": len(watched.folder.videos), "seconds": watched.seconds,
        "without sound": watched.folder.silent, "copies": watched.folder.twice,
        "refused": watched.folder.refused, "lengths": watched.lengths,
        "segments": {f"{length:g}": _counted(blocks) for length, blocks in watched.blocks.items()},
        "inside segments": [
            {
                "sense": one.sense, "length": one.found.seconds, "segments": one.found.segments,
                "videos": one.videos,
                "sd": None if one.inside is None else [value.to_json() for value in one.inside],
                "share of scatter": [None if np.isnan(share) else share for share in one.found.share],
            }
            for one in watched.varied
        ],
        "p over all sets": over_all(ours),
    }  # fmt: skip


def _counted(blocks: Blocks) -> dict[str, int]:
    return {sense: int((~np.isnan(rows).any(axis=1)).sum()) for sense, rows in blocks.readings.items()}


def _short(videos: Names) -> str:
    """Why segments of these videos (n,), which have all senses asked for, are too few; empty if not."""
    count = len(set(videos.tolist()))
    if len(videos) >= FEWEST and count >= FEWEST_VIDEOS:
        return ""
    least = f"{FEWEST} of {FEWEST_VIDEOS} videos are needed"
    return f"{len(videos)} segments of {count} videos have these senses; {least}"


def _only(blocks: Blocks, senses: Sequence[str]) -> Blocks:
    return Blocks(
        name=blocks.name, readings={name: blocks.readings[name] for name in senses},
        columns={name: blocks.columns[name] for name in senses}, groups=blocks.groups,
        emotions=blocks.emotions, exchange=blocks.exchange,
    )  # fmt: skip


def _gathered(videos: Sequence[Watched], sense: str) -> tuple[Floats, Floats, Names]:
    parts = list(moments_of(videos, sense))
    rows = np.concatenate([rows for _, rows, _ in parts]).astype(np.float64)
    owners: Names = np.repeat([video for video, _, _ in parts], [len(rows) for _, rows, _ in parts])
    return rows, np.concatenate([seconds for _, _, seconds in parts]), owners
