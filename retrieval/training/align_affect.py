"""Bringing a library's sound and pictures onto one plane, where that is shown to help on its own videos.

The circumplex report's hypothesis (section 8.1): sound and pictures of one stretch of video feel alike. If
so, segments of videos are anchors on which a map from the plane of sound to that of pictures can be fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, missing
from retrieval.evaluation.affect_metrics import ccc
from retrieval.evaluation.resampling import bootstrap_interval
from retrieval.evaluation.splits import folds
from retrieval.storage.custom_heads import ALIGNMENT, FOLDER, own_files, tidy
from retrieval.storage.library import Library
from retrieval.storage.locking import disk_errors
from retrieval.training.captioned_items import name_first
from spaces.affect_regression import Alignment
from spaces.alignment import Method, closed_methods, save_map

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TRIED = ("z-score", "similarity", "ridge", "kernel ridge")
ROLES = ("objects", "sound", "tone")  # of which pictures and sound are told
FOLDS = 5
LEAST = 30  # segments with sound and pictures, in FOLDS videos or more
DRAWS = 999
SMALLEST = 1e-6  # spread of a dimension that does not vary


@dataclass(frozen=True, kw_only=True, eq=False)
class Anchors:
    """n segments of videos: affect of their sound and their pictures (n, 2) each, and their videos (n,).

    left_out: paths of videos without such a segment
    """

    sound: Floats
    image: Floats
    videos: npt.NDArray[np.str_]
    left_out: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Of videos."""
        return len(set(self.videos.tolist()))

    @property
    def suffice(self) -> bool:
        """Whether a map can be fitted and tried on them."""
        return len(self.videos) >= LEAST and self.count >= FOLDS

    def messages(self) -> list[str]:
        """Lines to read before work begins: videos left out, and what is here and needed."""
        here = f"{len(self.videos)} segments with sound and pictures, of {self.count} videos"
        lines = [f"alignment: {here} (needs {LEAST}, of {FOLDS})"]
        if self.left_out:
            count = f"{len(self.left_out)} video{'' if len(self.left_out) == 1 else 's'}"
            lines.append(f"{count} without mood of both sound and pictures: {name_first(self.left_out)}")
        return lines


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of aligning a library.

    segments, videos: anchors, and how many videos they are of
    before, after:    CCC of sound with pictures on videos held out, mean of valence and arousal
    gain:             95 % interval of their difference, drawn by video
    p:                of no gain: maps and no map swapped video by video, 999 draws
    method:           chosen on all of them
    why:              empty, or why nothing was tried
    """

    segments: int
    videos: int
    before: float | None = None
    after: float | None = None
    gain: tuple[float, float] | None = None
    p: float | None = None
    method: str | None = None
    taken: bool = False
    why: str = ""

    def to_json(self) -> dict[str, object]:
        """As printed by `affect align --json`."""
        return asdict(self)


def prepare(library: Library) -> Anchors:
    """The anchors of a library. Raises AffectError for too few, unless an alignment of others is to go."""
    found = anchors(library)
    if not found.suffice and ALIGNMENT not in own_files(library.catalog):
        raise AffectError("; ".join(["too little to align on", *found.messages()]))
    return found


def take_up(library: Library, outcome: Outcome, alignment: Alignment | None) -> Outcome:
    """Use what `tried` found, or go back to no map where it found none.

    The caller may write. Raises AffectError when the disk is full; all is then as it was.
    """
    if alignment is not None:
        library.take({**own_files(library.catalog), ALIGNMENT: _kept(library, alignment, outcome)})
        tidy(library.folder, library.catalog)
    elif ALIGNMENT in own_files(library.catalog):
        undo(library)
    return outcome


def undo(library: Library) -> None:
    """Use the planes as they are again. The caller may write."""
    files = own_files(library.catalog)
    library.take({name: file for name, file in files.items() if name != ALIGNMENT})
    tidy(library.folder, library.catalog)


def anchors(library: Library) -> Anchors:
    """The segments of videos of which both sound and pictures are told, without any map."""
    experts, sql = library.experts.unaligned(), library.catalog.all
    segments = sql(
        "SELECT segments.id, item FROM segments JOIN items ON items.id = item "
        "WHERE modality = 'video' AND item IN (SELECT item FROM files) ORDER BY item, number"
    )
    known = np.array([row[0] for row in segments], np.int64)
    videos = np.array([row[1] for row in segments], np.str_)
    rows = {role: library.rows_of(role, known) for role in experts.media_roles if role in ROLES}
    features = {role: found for role, found in rows.items() if found is not None}
    senses = experts.senses(features) if features and len(known) else {}
    if not {"sound", "image"} <= senses.keys():
        return Anchors(
            sound=np.empty((0, 2)), image=np.empty((0, 2)), videos=videos[:0],
            left_out=_paths_of(library, videos),
        )  # fmt: skip
    here = ~missing(senses["sound"]) & ~missing(senses["image"])
    sound, image = (np.asarray(senses[one][here, :2], np.float64) for one in ("sound", "image"))
    left_out = _paths_of(library, np.setdiff1d(videos, videos[here]))
    return Anchors(sound=sound, image=image, videos=videos[here], left_out=left_out)


def _paths_of(library: Library, items: npt.NDArray[np.str_]) -> tuple[str, ...]:
    """One path of each item, in order."""
    paths = {entry.item: str(path) for path, entry in library.catalog.known().items()}
    return tuple(sorted(paths[item] for item in set(items.tolist())))


def tried(
    found: Anchors, *, seed: int, progress: Callable[[int, int], None]
) -> tuple[Outcome, Alignment | None]:
    """What the maps gain on videos held out, and the one to use, if any.

    In each fold the map is chosen by folds of the rest, so that choosing is paid for.
    """
    segments, videos = len(found.videos), found.count
    if not found.suffice:
        why = f"too little to align on: {LEAST} segments with sound, in {FOLDS} videos, are the least"
        return Outcome(segments=segments, videos=videos, why=why), None
    mapped = np.empty_like(found.sound)
    parts = folds(found.videos.tolist(), FOLDS, seed)
    done, count = 0, (FOLDS + 1) * len(TRIED)

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, count)

    progress(0, count)
    for held in parts:
        rest = np.setdiff1d(np.arange(segments), held)
        method = _chosen(found.sound[rest], found.image[rest], found.videos[rest], seed, step)
        whole = method.fit(found.sound[rest], found.image[rest], seed=seed)
        mapped[held] = whole.meet_source(found.sound[held])
    method = _chosen(found.sound, found.image, found.videos, seed, step)
    stack = np.stack([mapped, found.sound, found.image], axis=1)  # (n, 3, 2)
    gain = bootstrap_interval(stack, _gain, seed=seed, groups=found.videos)
    taken = gain[0] > 0
    outcome = Outcome(
        segments=segments, videos=videos, before=round(_agreement(found.sound, found.image), 4),
        after=round(_agreement(mapped, found.image), 4), gain=(round(gain[0], 4), round(gain[1], 4)),
        p=_swapped_p(stack, found.videos, seed), method=method.name, taken=taken,
    )  # fmt: skip
    if not taken:
        return outcome, None
    whole = method.fit(found.sound, found.image, seed=seed)
    stretch = whole.meet_source(found.sound).std(axis=0) / np.maximum(found.sound.std(axis=0), SMALLEST)
    residual = np.sqrt(((mapped - found.image) ** 2).mean(axis=0))
    return outcome, Alignment(aligned=whole, stretch=_pair(stretch), residual=_pair(residual))


def _pair(row: Floats) -> tuple[float, float]:
    return float(row[0]), float(row[1])


def _chosen(
    sound: Floats, image: Floats, videos: npt.NDArray[np.str_], seed: int, step: Callable[[], None]
) -> Method:
    """The map whose held-out points agree best with the pictures; `step` is called after each map."""
    methods = closed_methods()
    parts = folds(videos.tolist(), min(FOLDS, len(set(videos.tolist()))), seed + 1)
    best: tuple[float, str] = (-np.inf, TRIED[0])
    for name in TRIED:
        mapped = np.empty_like(sound)
        for held in parts:
            rest = np.setdiff1d(np.arange(len(sound)), held)
            found = methods[name].fit(sound[rest], image[rest], seed=seed)
            mapped[held] = found.meet_source(sound[held])
        best = max(best, (_agreement(mapped, image), name))
        step()
    return methods[best[1]]


def _agreement(one: Floats, other: Floats) -> float:
    """Mean CCC of both dimensions: 1 where points agree, 0 for a cloud drawn into one point."""
    return float(np.nan_to_num(ccc(one, other)).mean())


def _gain(stack: Floats) -> float:
    return _agreement(stack[:, 0], stack[:, 2]) - _agreement(stack[:, 1], stack[:, 2])


def _swapped_p(stack: Floats, videos: npt.NDArray[np.str_], seed: int) -> float:
    """One-sided p of the gain: mapped and unmapped swapped for about half of the videos at a time."""
    rng = np.random.default_rng(seed)
    number = np.unique(videos, return_inverse=True)[1]
    seen, draws = _gain(stack), []
    for _ in range(DRAWS):
        swap = rng.random(number.max() + 1)[number] < 0.5
        drawn = stack.copy()
        drawn[swap, 0], drawn[swap, 1] = stack[swap, 1], stack[swap, 0]
        draws.append(_gain(drawn))
    return round((1 + sum(draw >= seen for draw in draws)) / (DRAWS + 1), 4)


def _kept(library: Library, found: Alignment, outcome: Outcome) -> str:
    """Write the alignment into the library's folder; the name of its file."""
    folder = library.folder / FOLDER
    draft = folder / f"{ALIGNMENT}.safetensors"
    with disk_errors(library.folder):
        about = {
            "stretch": found.stretch, "residual": found.residual,
            "made_for": library.experts.unaligned().affect.version, **outcome.to_json(),
        }  # fmt: skip
        digest = save_map(draft, found.aligned, about)
        name = f"{ALIGNMENT}-{digest[:12]}.safetensors"
        draft.replace(folder / name)
    return name
