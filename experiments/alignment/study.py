"""What one map does on one set of pairs, held out: fitted by folds, shuffled, swapped, starved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.files import write_atomically
from experiments.alignment.pairs import Floats, Fold, Ints, PairedReadings, split_folds, split_half
from losses.affect import mapping_loss
from retrieval.evaluation.affect_metrics import ndcg, rank_items
from retrieval.evaluation.procrustes import compute_permuted_errors, compute_upper_p_value, draw_permutations
from spaces.alignment import AlignmentMap, AlignmentMethod, make_closed_form_methods, make_learned_methods

STUDY_VERSION = 1  # raise it when the same study would give other numbers
PRECISION_DEPTH, NDCG_DEPTH = 5, 10  # of precision, of nDCG
MAX_PARALLEL_ANCHORS = 1 << 16  # anchors trained on side by side, at most


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """How a set is studied.

    draws:  of permutation tests; shuffles: of the pairs with a new fit each
    sizes:  of the learning curve; each is drawn `repeats` times a fold
    """

    seed: int = 0
    draws: int = 999
    shuffles: int = 19
    sizes: tuple[int, ...] = (10, 30, 100, 300)
    repeats: int = 2

    def to_json(self) -> dict[str, Any]:
        """As written to results.json and into the key of an outcome."""
        return {
            "seed": self.seed, "draws": self.draws, "shuffles": self.shuffles, "sizes": self.sizes,
            "again": self.repeats,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldedPairs:
    """A set as its folds: m held-out rows, fold after fold.

    half_split: one half of the groups held out of the other, for permutation tests
    fold_ids: (m,) the number of the fold each row is held out in
    pair_rows: (m,) its number among the pairs
    target: (m, q) what was to be found; centre (m, q) the mean of the fold's anchors
    affect: (m, 2) what graded retrieval is judged by, or None
    """

    pairs: PairedReadings
    folds: tuple[Fold, ...]
    half_split: Fold
    fold_ids: Ints
    pair_rows: Ints
    source: Floats
    target: Floats
    target_means: Floats
    affect: Floats | None

    @classmethod
    def from_folds(cls, pairs: PairedReadings, folds: Sequence[Fold], half: Fold) -> FoldedPairs:
        """From the folds of `held_out` and the half of `halved`."""
        rows = np.concatenate([one.held_out_rows for one in folds])
        target = np.concatenate([one.held_out_target for one in folds])
        mood = None if pairs.affect is None else pairs.affect[rows]
        if mood is None and target.shape[1] == 2:
            mood = target
        return cls(
            pairs=pairs,
            folds=tuple(folds),
            half_split=half,
            pair_rows=rows,
            target=target,
            affect=mood,
            fold_ids=np.repeat(np.arange(len(folds)), [len(one.held_out_rows) for one in folds]),
            source=np.concatenate([one.held_out_source for one in folds]),
            target_means=np.concatenate(
                [np.tile(one.target_mean, (len(one.held_out_rows), 1)) for one in folds]
            ),
        )

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """(m,)."""
        return self.pairs.groups[self.pair_rows]

    def compute_digest(self) -> str:
        """Changes with anything a study could see."""
        state = hashlib.sha256()
        told = (
            self.pairs.name,
            self.pairs.exchange,
            self.pairs.uses_inner_product,
            self.pairs.modalities,
            self.pairs.columns,
        )
        state.update(json.dumps(told).encode())
        for one in (*self.folds, self.half_split):
            for rows in (
                one.held_out_rows,
                one.anchor_rows,
                one.source,
                one.target,
                one.held_out_source,
                one.held_out_target,
            ):
                state.update(np.ascontiguousarray(rows).tobytes())
        for words in (self.pairs.groups, self.pairs.emotions):
            state.update("\0".join([] if words is None else words.tolist()).encode())
        state.update(b"" if self.affect is None else np.ascontiguousarray(self.affect).tobytes())
        return state.hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class MapOutcome:
    """What a map did with each of m held-out rows.

    mapped:  (m, q) the source in the target's coordinates; swapped (m, q) with the source's axes in reverse
    precision: (m,) share of the nearest DEPTH of the fold's targets with the row's emotion; NaN without one
    precision_without_pair: (m,) the same without the row's own pair
    ndcg:    (m,) nDCG at DEEP; NaN without moods
    half_disparity: disparity on half of the groups, by a map fitted on the other half
    permuted_disparities: (draws,) the same with the targets of the half shuffled
    null_disparities: (shuffles,) disparity of maps fitted on shuffled anchors
    learning_curve: (sizes, again) disparity with so many anchors, NaN where there are fewer or the map
        needs more
    fit_notes: what each fold's map tells of itself
    """

    mapped: Floats
    mapped_swapped: Floats
    precision: Floats
    precision_without_pair: Floats
    ndcg: Floats
    half_disparity: float
    permuted_disparities: Floats
    null_disparities: Floats
    learning_curve: Floats
    fit_notes: tuple[Mapping[str, Any], ...] = field(default=())


STORED_ARRAYS: Mapping[str, str] = {
    "mapped": "mapped",
    "mapped_swapped": "swapped",
    "precision": "hits",
    "precision_without_pair": "others",
    "ndcg": "graded",
    "permuted_disparities": "permuted",
    "null_disparities": "null",
    "learning_curve": "curve",
}
"""Attributes of an outcome that are arrays, and what its file calls them."""


def list_methods() -> dict[str, AlignmentMethod]:
    """All maps by name, the report's learned mapping with its loss."""
    return {**make_closed_form_methods(), **make_learned_methods(partial(mapping_loss, reduction="mean"))}


def fold_pairs(
    pairs: PairedReadings, config: StudyConfig, split: Literal["folds", "test"] = "folds"
) -> FoldedPairs | None:
    """The folds of pairs, None where there are no rows of that part. Raises AffectError for too few groups.

    The test rows are held out of all others once and for all, which is a half as good as any.
    """
    folds = split_folds(pairs, seed=config.seed, split=split)
    if not folds:
        return None
    return FoldedPairs.from_folds(
        pairs, folds, split_half(pairs, seed=config.seed) if split == "folds" else folds[0]
    )


def evaluate_map(method: AlignmentMethod, data: FoldedPairs, config: StudyConfig) -> MapOutcome:
    """A map on every fold, with its controls. Raises ValueError for anchors it can't be fitted on."""
    maps = _fit_maps(method, [(one.source, one.target) for one in data.folds], config.seed)
    mapped = np.concatenate([
        one.transform(fold.held_out_source) for one, fold in zip(maps, data.folds, strict=True)
    ])  # fmt: skip
    swapped = np.concatenate([
        one.transform(fold.held_out_source[:, ::-1]) for one, fold in zip(maps, data.folds, strict=True)
    ])  # fmt: skip
    half, shuffled = run_permutation_test(method, data, config)
    parts = [_evaluate_retrieval(one, data, at) for at, one in enumerate(maps)]
    hits, others, graded = (np.concatenate(column) for column in zip(*parts, strict=True))
    return MapOutcome(
        mapped=mapped,
        mapped_swapped=swapped,
        precision=hits,
        precision_without_pair=others,
        ndcg=graded,
        half_disparity=half,
        permuted_disparities=shuffled,
        null_disparities=_compute_null_disparities(method, data, config),
        learning_curve=_compute_learning_curve(method, data, config),
        fit_notes=tuple(dict(one.notes) for one in maps),
    )


def disparity(mapped: Floats, data: FoldedPairs) -> float:
    """Squared error as a share of that of the anchors' mean: 0 perfect, 1 no better than the mean.

    Of a similarity on its own anchors this is scipy's disparity.
    """
    return float(((mapped - data.target) ** 2).sum() / ((data.target_means - data.target) ** 2).sum())


def run_permutation_test(
    method: AlignmentMethod, data: FoldedPairs, config: StudyConfig
) -> tuple[float, Floats]:
    """The disparity of a map fitted on one half of the groups on the other, and (draws,) with that shuffled.

    If nothing relates the senses, the pairs of one half are exchangeable whatever was fitted on the other.
    (Over all folds they are not: each is held out of the maps it was used to fit, so that folds agree or
    disagree together, and a shuffle without new fits makes p too small.)
    """
    half = data.half_split
    mapped = method.fit(half.source, half.target, seed=config.seed).transform(half.held_out_source)
    target = half.held_out_target
    base = ((half.target_mean - target) ** 2).sum()
    orders = draw_permutations(
        len(target), config.draws, seed=config.seed, groups=data.pairs.groups[half.held_out_rows],
        exchange=data.pairs.exchange,
    )  # fmt: skip
    return (
        float(((mapped - target) ** 2).sum() / base),
        compute_permuted_errors(mapped, target, orders) / base,
    )


def compute_permutation_p(outcome: MapOutcome) -> float:
    """(#{shuffled disparity <= found} + 1) / (draws + 1)."""
    return compute_upper_p_value(-outcome.half_disparity, -outcome.permuted_disparities)


def _fit_maps(
    method: AlignmentMethod, anchor_sets: Sequence[tuple[Floats, Floats]], seed: int
) -> list[AlignmentMap]:
    """Maps of several sets of anchors, those of one shape side by side as far as memory is not wasted."""
    found: dict[int, AlignmentMap] = {}
    shapes: dict[tuple[int, ...], list[int]] = {}
    for at, (source, _) in enumerate(anchor_sets):
        shapes.setdefault(source.shape, []).append(at)
    for shape, members in shapes.items():
        step = max(1, MAX_PARALLEL_ANCHORS // shape[0])
        for start in range(0, len(members), step):
            part = members[start : start + step]
            maps = method.fit_many(
                [anchor_sets[at][0] for at in part], [anchor_sets[at][1] for at in part], seed=seed
            )
            found |= dict(zip(part, maps, strict=True))
    return [found[at] for at in range(len(anchor_sets))]


def _evaluate_retrieval(
    fitted_map: AlignmentMap, data: FoldedPairs, fold_index: int
) -> tuple[Floats, Floats, Floats]:
    fold, here = data.folds[fold_index], data.fold_ids == fold_index
    asked, items = (
        fitted_map.project_source(fold.held_out_source),
        fitted_map.project_target(fold.held_out_target),
    )
    if data.pairs.uses_inner_product and fitted_map.target_to_common is None:
        near = asked @ items.T
    else:
        near = 2 * asked @ items.T - (items**2).sum(axis=1)
    hits, others, graded = (np.full(len(asked), np.nan) for _ in range(3))
    if data.pairs.emotions is not None:
        words = data.pairs.emotions[fold.held_out_rows]
        told = words != ""
        hits = np.where(
            told, (words[rank_items(near, PRECISION_DEPTH)] == words[:, None]).mean(axis=1), np.nan
        )
        apart = near.copy()
        np.fill_diagonal(apart, -np.inf)
        if len(asked) > PRECISION_DEPTH:
            others = np.where(
                told, (words[rank_items(apart, PRECISION_DEPTH)] == words[:, None]).mean(axis=1), np.nan
            )
    if data.affect is not None:
        mood = data.affect[here]
        graded = ndcg(mood, mood, rank_items(near, min(NDCG_DEPTH, len(mood))), NDCG_DEPTH)
    return hits, others, graded


def _compute_null_disparities(method: AlignmentMethod, data: FoldedPairs, config: StudyConfig) -> Floats:
    anchored = []
    for at, fold in enumerate(data.folds):
        groups = data.pairs.groups[fold.anchor_rows]
        for order in draw_permutations(
            len(groups),
            config.shuffles,
            seed=config.seed + 100 + at,
            groups=groups,
            exchange=data.pairs.exchange,
        ):
            anchored.append((fold.source, fold.target[order]))
    maps = _fit_maps(method, anchored, config.seed)
    return np.array(
        [
            disparity(
                np.concatenate(
                    [
                        maps[at * config.shuffles + draw].transform(fold.held_out_source)
                        for at, fold in enumerate(data.folds)
                    ]
                ),
                data,
            )
            for draw in range(config.shuffles)
        ]
    )


def _compute_learning_curve(method: AlignmentMethod, data: FoldedPairs, config: StudyConfig) -> Floats:
    found = np.full((len(config.sizes), config.repeats), np.nan)
    for row, size in enumerate(config.sizes):
        if any(len(fold.source) < size for fold in data.folds):
            continue
        for draw in range(config.repeats):
            rng = np.random.default_rng((config.seed, size, draw))
            picks = [rng.choice(len(fold.source), size, replace=False) for fold in data.folds]
            anchored = [(f.source[p], f.target[p]) for f, p in zip(data.folds, picks, strict=True)]
            maps = _fit_maps(method, anchored, config.seed)
            mapped = [one.transform(fold.held_out_source) for one, fold in zip(maps, data.folds, strict=True)]
            found[row, draw] = disparity(np.concatenate(mapped), data)
    return found


# kept on disk, so that nothing is done twice


def compute_outcome_key(map_name: str, data: FoldedPairs, config: StudyConfig) -> str:
    """What names the file of a map's outcome: the map, the set to the last bit, and the plan."""
    told = json.dumps(
        {"rule": STUDY_VERSION, "map": map_name, "set": data.compute_digest(), "plan": config.to_json()},
        sort_keys=True,
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def save_outcome(path: Path, outcome: MapOutcome) -> None:
    """Write it whole."""
    arrays = {
        key: np.ascontiguousarray(np.atleast_1d(getattr(outcome, name)), np.float64)
        for name, key in {**STORED_ARRAYS, "half_disparity": "halved"}.items()
    }
    write_atomically(path, save(arrays, {"fits": json.dumps(outcome.fit_notes)}))


def load_outcome(path: Path) -> MapOutcome | None:
    """What `save_outcome` wrote; None where there is no such file or it is spoilt."""
    try:
        content = path.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        arrays = load(content)
        return MapOutcome(
            **{name: arrays[key] for name, key in STORED_ARRAYS.items()},
            half_disparity=float(arrays["halved"][0]),
            fit_notes=tuple(json.loads(header["__metadata__"]["fits"])),
        )
    except (OSError, ValueError, KeyError, SafetensorError):
        return None
