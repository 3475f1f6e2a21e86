"""What one map does on one set of pairs, held out: fitted by folds, shuffled, swapped, starved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.onnx_runtime import write_whole
from experiments.alignment.pairs import Floats, Fold, Ints, Pairs, halved, held_out
from losses.affect import mapping_loss
from retrieval.evaluation.affect_metrics import ndcg, ordered
from retrieval.evaluation.procrustes import shuffled_errors, shuffles, upper_p
from spaces.alignment import Aligned, Method, closed_methods, learned_methods

RULE = 1  # raise it when the same study would give other numbers
DEPTH, DEEP = 5, 10  # of precision, of nDCG
COPIES = 1 << 16  # anchors trained on side by side, at most


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a set is studied.

    draws:  of permutation tests; shuffles: of the pairs with a new fit each
    sizes:  of the learning curve; each is drawn `again` times a fold
    """

    seed: int = 0
    draws: int = 999
    shuffles: int = 19
    sizes: tuple[int, ...] = (10, 30, 100, 300)
    again: int = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """A set as its folds: m held-out rows, fold after fold.

    half:   one half of the groups held out of the other, for permutation tests
    fold:   (m,) the number of the fold each row is held out in
    rows:   (m,) its number among the pairs
    target: (m, q) what was to be found; centre (m, q) the mean of the fold's anchors
    mood:   (m, 2) what graded retrieval is judged by, or None
    """

    pairs: Pairs
    folds: tuple[Fold, ...]
    half: Fold
    fold: Ints
    rows: Ints
    source: Floats
    target: Floats
    centre: Floats
    mood: Floats | None

    @classmethod
    def of(cls, pairs: Pairs, folds: Sequence[Fold], half: Fold) -> Material:
        """From the folds of `held_out` and the half of `halved`."""
        rows = np.concatenate([one.rows for one in folds])
        target = np.concatenate([one.new_target for one in folds])
        mood = None if pairs.moods is None else pairs.moods[rows]
        if mood is None and target.shape[1] == 2:
            mood = target
        return cls(
            pairs=pairs, folds=tuple(folds), half=half, rows=rows, target=target, mood=mood,
            fold=np.repeat(np.arange(len(folds)), [len(one.rows) for one in folds]),
            source=np.concatenate([one.new_source for one in folds]),
            centre=np.concatenate([np.tile(one.centre, (len(one.rows), 1)) for one in folds]),
        )  # fmt: skip

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """(m,)."""
        return self.pairs.groups[self.rows]

    def digest(self) -> str:
        """Changes with anything a study could see."""
        state = hashlib.sha256()
        told = (
            self.pairs.name,
            self.pairs.exchange,
            self.pairs.product,
            self.pairs.senses,
            self.pairs.columns,
        )
        state.update(json.dumps(told).encode())
        for one in (*self.folds, self.half):
            for rows in (one.rows, one.anchors, one.source, one.target, one.new_source, one.new_target):
                state.update(np.ascontiguousarray(rows).tobytes())
        for words in (self.pairs.groups, self.pairs.emotions):
            state.update("\0".join([] if words is None else words.tolist()).encode())
        state.update(b"" if self.mood is None else np.ascontiguousarray(self.mood).tobytes())
        return state.hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a map did with each of m held-out rows.

    mapped:  (m, q) the source in the target's coordinates; swapped (m, q) with the source's axes in reverse
    hits:    (m,) share of the nearest DEPTH of the fold's targets with the row's emotion; NaN without one
    others:  (m,) the same without the row's own pair
    graded:  (m,) nDCG at DEEP; NaN without moods
    halved:  disparity on half of the groups, by a map fitted on the other half
    permuted: (draws,) the same with the targets of the half shuffled
    null:    (shuffles,) disparity of maps fitted on shuffled anchors
    curve:   (sizes, again) disparity with so many anchors, NaN where there are fewer or the map needs more
    fits:    what each fold's map tells of itself
    """

    mapped: Floats
    swapped: Floats
    hits: Floats
    others: Floats
    graded: Floats
    halved: float
    permuted: Floats
    null: Floats
    curve: Floats
    fits: tuple[Mapping[str, Any], ...] = field(default=())


ARRAYS = ("mapped", "swapped", "hits", "others", "graded", "permuted", "null", "curve")


def every_method() -> dict[str, Method]:
    """All maps by name, the report's learned mapping with its loss."""
    return {**closed_methods(), **learned_methods(partial(mapping_loss, reduction="mean"))}


def material(pairs: Pairs, plan: Plan, part: Literal["folds", "test"] = "folds") -> Material | None:
    """The folds of pairs, None where there are no rows of that part. Raises AffectError for too few groups.

    The test rows are held out of all others once and for all, which is a half as good as any.
    """
    folds = held_out(pairs, seed=plan.seed, part=part)
    if not folds:
        return None
    return Material.of(pairs, folds, halved(pairs, seed=plan.seed) if part == "folds" else folds[0])


def tried(method: Method, known: Material, plan: Plan) -> Outcome:
    """A map on every fold, with its controls. Raises ValueError for anchors it can't be fitted on."""
    maps = _fitted(method, [(one.source, one.target) for one in known.folds], plan.seed)
    mapped = np.concatenate([
        one.transform(fold.new_source) for one, fold in zip(maps, known.folds, strict=True)
    ])  # fmt: skip
    swapped = np.concatenate([
        one.transform(fold.new_source[:, ::-1]) for one, fold in zip(maps, known.folds, strict=True)
    ])  # fmt: skip
    half, shuffled = permuted(method, known, plan)
    parts = [_retrieved(one, known, at) for at, one in enumerate(maps)]
    hits, others, graded = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Outcome(
        mapped=mapped, swapped=swapped, hits=hits, others=others, graded=graded,
        halved=half, permuted=shuffled, null=_null(method, known, plan),
        curve=_curve(method, known, plan), fits=tuple(dict(one.notes) for one in maps),
    )  # fmt: skip


def disparity(mapped: Floats, known: Material) -> float:
    """Squared error as a share of that of the anchors' mean: 0 perfect, 1 no better than the mean.

    Of a similarity on its own anchors this is scipy's disparity.
    """
    return float(((mapped - known.target) ** 2).sum() / ((known.centre - known.target) ** 2).sum())


def permuted(method: Method, known: Material, plan: Plan) -> tuple[float, Floats]:
    """The disparity of a map fitted on one half of the groups on the other, and (draws,) with that shuffled.

    If nothing relates the senses, the pairs of one half are exchangeable whatever was fitted on the other.
    (Over all folds they are not: each is held out of the maps it was used to fit, so that folds agree or
    disagree together, and a shuffle without new fits makes p too small.)
    """
    half = known.half
    mapped = method.fit(half.source, half.target, seed=plan.seed).transform(half.new_source)
    target = half.new_target
    base = ((half.centre - target) ** 2).sum()
    orders = shuffles(
        len(target), plan.draws, seed=plan.seed, groups=known.pairs.groups[half.rows],
        exchange=known.pairs.exchange,
    )  # fmt: skip
    return (
        float(((mapped - target) ** 2).sum() / base),
        shuffled_errors(mapped, target, orders) / base,
    )


def permutation_p(outcome: Outcome) -> float:
    """(#{shuffled disparity <= found} + 1) / (draws + 1)."""
    return upper_p(-outcome.halved, -outcome.permuted)


def _fitted(method: Method, anchored: Sequence[tuple[Floats, Floats]], seed: int) -> list[Aligned]:
    """Maps of several sets of anchors, those of one shape side by side as far as memory is not wasted."""
    found: dict[int, Aligned] = {}
    shapes: dict[tuple[int, ...], list[int]] = {}
    for at, (source, _) in enumerate(anchored):
        shapes.setdefault(source.shape, []).append(at)
    for shape, members in shapes.items():
        step = max(1, COPIES // shape[0])
        for start in range(0, len(members), step):
            part = members[start : start + step]
            maps = method.fit_many(
                [anchored[at][0] for at in part], [anchored[at][1] for at in part], seed=seed
            )
            found |= dict(zip(part, maps, strict=True))
    return [found[at] for at in range(len(anchored))]


def _retrieved(aligned: Aligned, known: Material, at: int) -> tuple[Floats, Floats, Floats]:
    fold, here = known.folds[at], known.fold == at
    asked, items = aligned.meet_source(fold.new_source), aligned.meet_target(fold.new_target)
    if known.pairs.product and aligned.target is None:
        near = asked @ items.T
    else:
        near = 2 * asked @ items.T - (items**2).sum(axis=1)
    hits, others, graded = (np.full(len(asked), np.nan) for _ in range(3))
    if known.pairs.emotions is not None:
        words = known.pairs.emotions[fold.rows]
        told = words != ""
        hits = np.where(told, (words[ordered(near, DEPTH)] == words[:, None]).mean(axis=1), np.nan)
        apart = near.copy()
        np.fill_diagonal(apart, -np.inf)
        if len(asked) > DEPTH:
            others = np.where(told, (words[ordered(apart, DEPTH)] == words[:, None]).mean(axis=1), np.nan)
    if known.mood is not None:
        mood = known.mood[here]
        graded = ndcg(mood, mood, ordered(near, min(DEEP, len(mood))), DEEP)
    return hits, others, graded


def _null(method: Method, known: Material, plan: Plan) -> Floats:
    anchored = []
    for at, fold in enumerate(known.folds):
        groups = known.pairs.groups[fold.anchors]
        for order in shuffles(
            len(groups),
            plan.shuffles,
            seed=plan.seed + 100 + at,
            groups=groups,
            exchange=known.pairs.exchange,
        ):
            anchored.append((fold.source, fold.target[order]))
    maps = _fitted(method, anchored, plan.seed)
    return np.array([
        disparity(np.concatenate([
            maps[at * plan.shuffles + draw].transform(fold.new_source) for at, fold in enumerate(known.folds)
        ]), known)
        for draw in range(plan.shuffles)
    ])  # fmt: skip


def _curve(method: Method, known: Material, plan: Plan) -> Floats:
    found = np.full((len(plan.sizes), plan.again), np.nan)
    for row, size in enumerate(plan.sizes):
        if any(len(fold.source) < size for fold in known.folds):
            continue
        for draw in range(plan.again):
            rng = np.random.default_rng((plan.seed, size, draw))
            picks = [rng.choice(len(fold.source), size, replace=False) for fold in known.folds]
            anchored = [(f.source[p], f.target[p]) for f, p in zip(known.folds, picks, strict=True)]
            maps = _fitted(method, anchored, plan.seed)
            mapped = [one.transform(fold.new_source) for one, fold in zip(maps, known.folds, strict=True)]
            found[row, draw] = disparity(np.concatenate(mapped), known)
    return found


# kept on disk, so that nothing is done twice


def key_of(name: str, known: Material, plan: Plan) -> str:
    """What names the file of a map's outcome: the map, the set to the last bit, and the plan."""
    told = json.dumps(
        {"rule": RULE, "map": name, "set": known.digest(), "plan": asdict(plan)}, sort_keys=True
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def save_outcome(file: Path, outcome: Outcome) -> None:
    """Write it whole."""
    arrays = {
        name: np.ascontiguousarray(np.atleast_1d(getattr(outcome, name)), np.float64)
        for name in (*ARRAYS, "halved")
    }
    write_whole(file, save(arrays, {"fits": json.dumps(outcome.fits)}))


def load_outcome(file: Path) -> Outcome | None:
    """What `save_outcome` wrote; None where there is no such file or it is spoilt."""
    try:
        content = file.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        arrays = load(content)
        return Outcome(
            **{name: arrays[name] for name in ARRAYS},
            halved=float(arrays["halved"][0]),
            fits=tuple(json.loads(header["__metadata__"]["fits"])),
        )
    except (OSError, ValueError, KeyError, SafetensorError):
        return None
