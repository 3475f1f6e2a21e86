"""Agreement of estimates with ratings: r, concordance, spread, offset and coverage, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from experiments.affect_scale.rated_estimates import CORPUS, RatedEstimates
from experiments.heads.report_figure import DIMENSIONS, pair_ccc, pair_pearson
from experiments.statistics.report import Cell, Requirement
from retrieval.evaluation import Estimate, bootstrap_estimate

Floats = npt.NDArray[np.float64]

MIN_RATING_SD = 1e-9  # of items that were rated themselves
END = 0.999  # absolute value from which an estimate lies at an end of the scale
MAX_SCALE_LOSS = 0.1  # of r, by which CCC may be less
MIN_COVERAGE, MAX_COVERAGE = 0.6, 0.76  # of a stated interval of one SD, 68 %


def compute_spread_ratio(rows: Floats) -> float:
    """SD of the estimates over that of the ratings; rows as of `RatedEstimates.stack_columns`."""
    return float(rows[:, 0].std() / rows[:, 1].std())


def compute_offset(rows: Floats) -> float:
    """Mean of the estimates less that of the ratings."""
    return float((rows[:, 0] - rows[:, 1]).mean())


def compute_coverage(rows: Floats) -> float:
    """Share of the ratings within one SD of the estimate.

    Where a rating is that of a label, the expected share of items that are normal about it: an SD that covers
    how items of one label differ must not be held against the middle of the label alone.
    """
    distances, sds = rows[:, 1] - rows[:, 0], rows[:, 2]
    spreads = np.maximum(rows[:, 3], MIN_RATING_SD)
    return float((ndtr((sds - distances) / spreads) - ndtr((-sds - distances) / spreads)).mean())


def compute_end_share(rows: Floats) -> float:
    """Share of the estimates at an end of the scale, where a clip would pile them up."""
    return float((np.abs(rows[:, 0]) >= END).mean())


def compute_scale_loss(rows: Floats) -> float:
    """r less CCC: what spread and offset cost (Lin 1989)."""
    return pair_pearson(rows) - pair_ccc(rows)


def compute_centred_ccc(rows: Floats) -> float:
    """CCC of the estimates less their offset: what spread alone leaves of r."""
    centred = rows[:, :2] - [compute_offset(rows), 0]
    return pair_ccc(centred)


def compute_spread_loss(rows: Floats) -> float:
    """The part of r less CCC that spread costs."""
    return pair_pearson(rows) - compute_centred_ccc(rows)


def compute_offset_loss(rows: Floats) -> float:
    """The part of r less CCC that the offset costs."""
    return compute_centred_ccc(rows) - pair_ccc(rows)


STATISTICS: Mapping[str, Callable[[Floats], float]] = {
    "r": pair_pearson,
    "CCC": pair_ccc,
    "CCC without offset": compute_centred_ccc,
    "r less CCC": compute_scale_loss,
    "by spread": compute_spread_loss,
    "by offset": compute_offset_loss,
    "spread": compute_spread_ratio,
    "offset": compute_offset,
    "within 1 SD": compute_coverage,
    "at an end": compute_end_share,
}


def measure_agreement(items: RatedEstimates, seed: int) -> Iterator[Mapping[str, Cell]]:
    """A row for valence and one for arousal; intervals resample whole groups."""
    for column, dimension in enumerate(DIMENSIONS):
        measure = partial(
            bootstrap_estimate, items.stack_columns(column), seed=seed, groups=items.groups.tolist()
        )
        yield {
            "corpus": items.corpus,
            "kind": items.kind,
            "unseen": items.held_out,
            "of": float(len(items.ratings)),
            "dimension": dimension,
            **{name: measure(statistic) for name, statistic in STATISTICS.items()},
        }


def list_requirements(row: Mapping[str, Cell]) -> Iterator[Requirement]:
    """CCC near r, whatever was left out, and nothing at an end; coverage near 68 %, for groups."""
    name = f"{row['corpus']}, {row['kind']}, {row['dimension']}"
    yield Requirement(
        f"{name}, {row['unseen']} unseen, r less CCC", _value(row["r less CCC"]), MAX_SCALE_LOSS,
        is_minimum=False,
    )  # fmt: skip
    yield Requirement(f"{name}, at an end", _value(row["at an end"]), 0.0, is_minimum=False)
    if row["unseen"] != CORPUS:
        coverage = _value(row["within 1 SD"])
        yield Requirement(f"{name}, within 1 SD", coverage, MIN_COVERAGE, is_minimum=True)
        yield Requirement(f"{name}, within 1 SD", coverage, MAX_COVERAGE, is_minimum=False)


def _value(cell: Cell) -> float:
    if not isinstance(cell, Estimate):
        raise TypeError(f"an estimate is wanted, not {cell!r}")
    return cell.value
