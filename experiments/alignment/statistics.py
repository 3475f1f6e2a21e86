"""From outcomes to figures: intervals by drawing whole groups, differences over the same draws, p values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.ablation.row_statistics import holm
from experiments.alignment.pairs import Floats
from experiments.alignment.study import DEEP, DEPTH, Material, Outcome, Plan, permutation_p
from experiments.alignment.unimodal_models import fused
from experiments.statistics.report import Figure
from retrieval.evaluation.procrustes import Protest, protest
from retrieval.evaluation.resampling import numbered
from spaces.alignment import Method, average_cosine

DRAWS = 2000
LEVEL = 0.95
TOLD = 4  # columns of the target whose CCC is told one by one
FLAT = 0.1  # of the target's spread: an axis mapped to less has collapsed
LINE = 0.98  # correlation of two mapped axes from which they are one
FEW_GROUPS, FEW_ANCHORS = 10, 10  # groups; anchors a column of the source


@dataclass(frozen=True, kw_only=True)
class Row:
    """A map on a set.

    ccc:        of every column, and their mean; P@5 with and without the row's own pair among the answers
    p, holm:    of the permutation test, and after Holm's correction over all maps of the set
    null:       mean and least disparity of maps fitted on shuffled pairs
    swapped:    how much the disparity rises when the source's axes change places
    gain:       how much lower the disparity is than identity's; beyond: than that of the best linear map
    reflection: share of the folds whose map reflects; None where that can't be said
    """

    name: str
    kind: str
    told: str
    disparity: Figure
    ccc: tuple[Figure, ...]
    mean_ccc: Figure
    hits: Figure | None
    others: Figure | None
    graded: Figure | None
    p: float
    null: tuple[float, float]
    swapped: Figure
    gain: Figure | None
    reflection: float | None
    curve: tuple[tuple[int, float], ...]
    warnings: tuple[str, ...]
    holm: float = 1.0
    beyond: Figure | None = None

    @property
    def related(self) -> bool:
        """Whether its held-out pairs agree more than shuffled ones."""
        return self.holm < 1 - LEVEL

    @property
    def foretells(self) -> bool:
        """Whether they also agree better than with the anchors' mean."""
        return self.related and _high(self.disparity) < 1


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """Share of emotions named right by each sense and by both, over the same rows.

    beyond: by how much both together beat the better sense
    """

    source: Figure
    target: Figure
    both: Figure
    beyond: Figure


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """A set as it was studied.

    chance, floor: P@5 and nDCG of answers in random order
    analysis:      Procrustes analysis of all held-out readings, as the report did it, with PROTEST
    left_out:      maps that could not be fitted, and why
    """

    known: Material
    rows: tuple[Row, ...]
    outcomes: Mapping[str, Outcome]
    analysis: Protest | None
    cosine: float | None
    chance: float | None
    floor: float | None
    fusion: Fusion | None
    warnings: tuple[str, ...]
    left_out: Mapping[str, str]

    def best(self, *kinds: str) -> Row | None:
        """The map of some kinds that is `least`."""
        return least([row for row in self.rows if row.kind in kinds])


def least(rows: Sequence[Row]) -> Row | None:
    """The one with the least disparity; of those as good to three digits the first, which is the simplest."""
    return min(rows, key=lambda row: round(row.disparity.value, 3), default=None)


class Draws:
    """Bootstrap draws of whole groups: how often each draw takes each."""

    def __init__(self, groups: npt.ArrayLike, seed: int) -> None:
        self._number = numbered(len(np.asarray(groups)), groups)
        self.groups = int(self._number.max()) + 1
        rng = np.random.default_rng(seed)
        shares = np.full(self.groups, 1 / self.groups)
        self._weights = rng.multinomial(self.groups, shares, size=DRAWS).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """(draws, k) sums of values (m, k) over what each draw took."""
        inside = np.zeros((self.groups, values.shape[1]))
        np.add.at(inside, self._number, values)
        return np.asarray(self._weights @ inside)

    def ratio(self, above: Floats, below: Floats) -> tuple[float, Floats]:
        """The ratio of two sums over (m,), and (draws,) of it."""
        drawn = self.sums(np.stack([above, below], axis=1))
        return float(above.sum() / below.sum()), drawn[:, 0] / drawn[:, 1]

    def mean(self, values: Floats) -> Figure | None:
        """The mean of (m,) values, those that are NaN left out; None where all are."""
        here = ~np.isnan(values)
        if not here.any():
            return None
        return figure(*self.ratio(np.where(here, values, 0), here.astype(np.float64)))

    def ccc(self, found: Floats, truth: Floats) -> tuple[Floats, Floats]:
        """(q,) CCC of each column of (m, q), and (draws, q)."""
        x, y = found - truth.mean(axis=0), truth - truth.mean(axis=0)
        parts = np.concatenate([x, y, x * x, y * y, x * y, np.ones((len(x), 1))], axis=1)
        return _ccc(parts.sum(axis=0)[None])[0], _ccc(self.sums(parts))


def figure(value: float, drawn: Floats) -> Figure:
    """A value with the interval of its draws."""
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value=value, low=float(low), high=float(high))


def measured(
    known: Material, methods: Mapping[str, Method], outcomes: Mapping[str, Outcome], plan: Plan,
    left_out: Mapping[str, str],
) -> Found:  # fmt: skip
    """All figures of a set from what its maps did."""
    draws = Draws(known.groups, plan.seed)
    base = ((known.centre - known.target) ** 2).sum(axis=1)
    errors = {name: ((one.mapped - known.target) ** 2).sum(axis=1) for name, one in outcomes.items()}
    drawn = {name: draws.ratio(error, base) for name, error in errors.items()}
    rows = [_row(methods[name], known, one, draws, drawn, base, plan) for name, one in outcomes.items()]
    corrected = holm([row.p for row in rows])
    linear = least([row for row in rows if row.kind == "linear"])
    finished = []
    for row, p in zip(rows, corrected, strict=True):
        beyond = None
        if linear is not None and row.kind == "curved":
            beyond = _less(drawn[row.name], drawn[linear.name])
        finished.append(replace(row, holm=p, beyond=beyond))
    analysis = _analysed(known, plan)
    return Found(
        known=known, rows=tuple(finished), outcomes=outcomes, analysis=analysis,
        cosine=None if analysis is None else average_cosine(analysis.disparity), chance=chance(known),
        floor=floor(known), fusion=_fusion(known, draws), left_out=left_out,
        warnings=_warned(known, draws, len(rows), plan),
    )  # fmt: skip


def chance(known: Material) -> float | None:
    """P@5 of the fold's targets in random order, the row's own pair among them."""
    words = known.pairs.emotions
    if words is None or not (words[known.rows] != "").any():
        return None
    shares = []
    for fold in known.folds:
        here = words[fold.rows]
        told = here[here != ""]
        shares += [float((here == word).mean()) for word in told]
    return float(np.mean(shares))


def floor(known: Material) -> float | None:
    """nDCG of the fold's targets in random order: every place has the mean gain."""
    if known.mood is None:
        return None
    found = []
    for at in range(len(known.folds)):
        mood = known.mood[known.fold == at]
        far = np.sqrt(((mood[:, None] - mood[None]) ** 2).sum(axis=2))
        depth = min(DEEP, len(mood))
        discount = 1 / np.log2(np.arange(depth) + 2)
        ideal = np.exp(-np.sort(far, axis=1)[:, :depth]) @ discount
        found.append(np.exp(-far).mean(axis=1) * discount.sum() / ideal)
    return float(np.concatenate(found).mean())


def _row(
    method: Method, known: Material, one: Outcome, draws: Draws, drawn: Mapping[str, tuple[float, Floats]],
    base: Floats, plan: Plan,
) -> Row:  # fmt: skip
    own = drawn[method.name]
    ccc, ccc_drawn = draws.ccc(one.mapped, known.target)
    swapped = draws.ratio(((one.swapped - known.target) ** 2).sum(axis=1), base)
    reflections = [bool(fit["reflection"]) for fit in one.fits if "reflection" in fit]
    curve = [
        (size, float(np.mean(values)))
        for size, values in zip(plan.sizes, one.curve, strict=True)
        if not np.isnan(values).any()
    ]
    return Row(
        name=method.name, kind=method.kind, told=method.told, disparity=figure(*own),
        ccc=tuple(figure(float(c), ccc_drawn[:, at]) for at, c in enumerate(ccc)),
        mean_ccc=figure(float(np.nanmean(ccc)), np.nanmean(ccc_drawn, axis=1)),
        hits=draws.mean(one.hits), others=draws.mean(one.others), graded=draws.mean(one.graded),
        p=permutation_p(one), null=(float(one.null.mean()), float(one.null.min())),
        swapped=_less(own, swapped),
        gain=_less(own, drawn["identity"]) if "identity" in drawn and method.name != "identity" else None,
        reflection=float(np.mean(reflections)) if reflections else None, curve=tuple(curve),
        warnings=tuple(_row_warnings(method, known, one, figure(*own))),
    )  # fmt: skip


def _less(mine: tuple[float, Floats], theirs: tuple[float, Floats]) -> Figure:
    """How much lower mine is: theirs - mine, over the same draws."""
    return figure(theirs[0] - mine[0], theirs[1] - mine[1])


def _row_warnings(method: Method, known: Material, one: Outcome, own: Figure) -> list[str]:
    found = []
    mapped, target = one.mapped.std(axis=0), known.target.std(axis=0)
    flat = [
        name
        for name, thin, wide in zip(known.pairs.columns, mapped, target, strict=True)
        if wide > 0 and thin < FLAT * wide
    ]
    if flat and len(flat) < len(known.pairs.columns):
        found.append(
            f"collapsed on {', '.join(flat)}" if len(flat) <= TOLD else f"collapsed on {len(flat)} axes"
        )
    elif flat:
        found.append("collapsed on every axis: hardly more than the mean")
    elif len(mapped) == 2 and _on_a_line(one.mapped):
        found.append("collapsed on a line: both axes tell the same")
    if one.null.size and own.value > one.null.min() and method.kind != "none":
        found.append("a map of shuffled pairs did as well")
    return found


def _on_a_line(points: Floats) -> bool:
    """Whether the axes of points (m, 2), each of unit spread, vary together and not apart."""
    standard = (points - points.mean(axis=0)) / np.maximum(points.std(axis=0), 1e-12)
    return bool(abs(np.mean(standard[:, 0] * standard[:, 1])) > LINE)


def _warned(known: Material, draws: Draws, maps: int, plan: Plan) -> tuple[str, ...]:
    found = []
    if maps / (plan.draws + 1) >= 1 - LEVEL:
        found.append(f"{plan.draws} shuffles are too few for {maps} maps: no p can be small after Holm")
    least = min(len(fold.source) for fold in known.folds)
    width = known.source.shape[1]
    if least < FEW_ANCHORS * width:
        found.append(
            f"{least} anchors for {width} columns of the source, fewer than {FEW_ANCHORS} a column: maps "
            "with a weight a column may follow chance"
        )
    if draws.groups < FEW_GROUPS:
        found.append(f"{draws.groups} groups: intervals from so few are too narrow")
    if known.pairs.exchange == "groups":
        half = len(np.unique(known.pairs.groups[known.half.rows]))
        if half < 6:
            found.append(f"{half} groups can be shuffled in only {math.factorial(half)} ways: p is coarse")
    if known.pairs.made:
        found.append(f"no true pairs: {known.pairs.made}")
    return tuple(found)


def _analysed(known: Material, plan: Plan) -> Protest | None:
    try:
        return protest(
            known.source, known.target, seed=plan.seed, draws=plan.draws, groups=known.groups,
            exchange=known.pairs.exchange,
        )  # fmt: skip
    except ValueError:  # a sense whose readings do not vary
        return None


def _fusion(known: Material, draws: Draws) -> Fusion | None:
    """Where the readings are posteriors over emotions (`Pairs.product`)."""
    words = known.pairs.emotions
    if not known.pairs.product or words is None:
        return None
    names = np.array(known.pairs.columns)
    truth = words[known.rows]
    prior = np.concatenate([
        np.tile((words[fold.anchors][:, None] == names).mean(axis=0), (len(fold.rows), 1))
        for fold in known.folds
    ])  # fmt: skip
    right = [
        (names[shares.argmax(axis=1)] == truth).astype(np.float64)
        for shares in (known.source, known.target, fused(known.source, known.target, prior))
    ]
    ones = np.ones(len(truth))
    ratios = [draws.ratio(one, ones) for one in right]
    better = max(ratios[:2], key=lambda ratio: ratio[0])
    # the better sense is chosen anew in every draw, so that the choice is no advantage
    best = (better[0], np.maximum(ratios[0][1], ratios[1][1]))
    source, target, both = (figure(*ratio) for ratio in ratios)
    return Fusion(source=source, target=target, both=both, beyond=_less(best, ratios[2]))


def _ccc(sums: Floats) -> Floats:
    """(b, q) from sums (b, 5 q + 1) of x, y, x^2, y^2, x y and 1."""
    count = sums[:, -1:]
    x, y, xx, yy, xy = np.split(sums[:, :-1] / count, 5, axis=1)
    below = (xx - x**2) + (yy - y**2) + (x - y) ** 2
    return np.divide(2 * (xy - x * y), below, out=np.full(below.shape, np.nan), where=below > 1e-15)


def _high(one: Figure) -> float:
    return one.value if one.high is None else one.high


def to_json(found: Found) -> dict[str, Any]:
    """Everything told of a set but the points."""

    def plain(one: Figure | None) -> Any:
        return None if one is None else one.to_json()

    pairs, analysis = found.known.pairs, found.analysis
    return {
        "set": pairs.name, "senses": pairs.senses, "columns": pairs.columns, "rows": len(found.known.rows),
        "groups": len(np.unique(found.known.groups)), "exchange": pairs.exchange, "notes": pairs.notes,
        "anchors": [len(fold.source) for fold in found.known.folds], "made": pairs.made,
        "procrustes": None if analysis is None else {
            "disparity": analysis.disparity, "average cosine": found.cosine, "t": analysis.t,
            "p": analysis.p, "null t": [float(v) for v in np.quantile(analysis.null, [0.025, 0.5, 0.975])],
        },
        "chance P@5": found.chance, "random nDCG@10": found.floor,
        "fusion": None if found.fusion is None else {
            name: plain(getattr(found.fusion, name)) for name in ("source", "target", "both", "beyond")
        },
        "warnings": found.warnings, "left out": dict(found.left_out),
        "maps": [
            {
                "map": row.name, "kind": row.kind, "told": row.told, "disparity": plain(row.disparity),
                "ccc": [plain(one) for one in row.ccc], "mean ccc": plain(row.mean_ccc),
                f"P@{DEPTH}": plain(row.hits), f"P@{DEPTH} of others": plain(row.others),
                f"nDCG@{DEEP}": plain(row.graded), "p": row.p, "p holm": row.holm,
                "null disparity": {"mean": row.null[0], "least": row.null[1]},
                "rise with swapped axes": plain(row.swapped), "gain on identity": plain(row.gain),
                "gain on the best linear": plain(row.beyond), "reflection": row.reflection,
                "curve": [list(point) for point in row.curve], "warnings": row.warnings,
            }
            for row in found.rows
        ],
    }  # fmt: skip
