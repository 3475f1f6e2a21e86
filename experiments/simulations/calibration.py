"""Calibration against the true posterior of simulated scores, and the gain of heads without information.

Scores of background pairs are standard normal, those of matches lie d SDs higher, so that the true log odds
of a match are d z - d^2 / 2 plus those of the prior.
"""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from experiments.simulations.check import SimulationCheck
from fusion import Calibration, fit_calibration
from retrieval.training.cross_validation import FittedHeads
from retrieval.training.held_out_fold import HeldOutFold
from spaces.joint import Heads

Floats = npt.NDArray[np.float64]

SEPARATIONS = (1.0, 2.0, 4.0, 6.0)
BACKGROUND_COUNTS = (50, 500, 10_000)
PRIORS = (0.01, 0.1, 0.5)
MAX_ERROR_BY_MATCHES = {3: 0.14, 10: 0.09, 20: 0.075, 100: 0.05, 1000: 0.04}
"""Largest with 50 background pairs, whose own error stays however many matches there are."""
SEPARATED_RANGES = {3: (0.8, 0.99), 20: (0.95, 0.999), 100: (0.98, 1.0)}
GRID = np.linspace(-8, 16, 1201)
FOLDS, ITEMS = 4, 10  # of the heads without information


def list_checks() -> tuple[SimulationCheck, ...]:
    """Error by number of matches, what separated matches are told, over-confidence, and nested folds."""
    errors = [
        SimulationCheck(
            name=f"calibration: largest mean |fitted - true|, {matches} matches",
            expected=f"at most {limit:g}", low=0, high=limit, trials=40,
            simulate=partial(measure_largest_error, matches=matches),
        )
        for matches, limit in MAX_ERROR_BY_MATCHES.items()
    ]  # fmt: skip
    separated = [
        SimulationCheck(
            name=f"calibration: {matches} matches 6 SDs off, prior .1, mean told",
            expected=f"{low:g} to {high:g}", low=low, high=high, trials=100,
            simulate=partial(measure_separated, matches=matches),
        )
        for matches, (low, high) in SEPARATED_RANGES.items()
    ]  # fmt: skip
    over_confidence = SimulationCheck(
        name="calibration: told - true where more than .5 is told, mean of all settings with 10 matches",
        expected="-.05 to .05", low=-0.05, high=0.05, trials=100, simulate=measure_over_confidence,
    )  # fmt: skip
    nested = SimulationCheck(
        name="training: share of gains above 0, heads without information",
        expected=".3 to .55", low=0.3, high=0.55, trials=400, simulate=count_gains,
    )  # fmt: skip
    return (*errors, *separated, over_confidence, nested)


def draw_calibration(
    matches: int, background: int, separation: float, prior: float, rng: np.random.Generator
) -> Calibration | None:
    """A calibration fitted to a draw; None where the draw's matches score no higher than its background."""
    negatives, positives = rng.normal(size=background), rng.normal(separation, 1, matches)
    if positives.mean() <= negatives.mean():
        return None
    return fit_calibration(negatives, positives, prior)


def make_truth(separation: float, prior: float) -> tuple[Floats, Floats]:
    """The true posterior and the share of pairs at each point of GRID."""
    matching, background = prior * norm.pdf(GRID, separation), (1 - prior) * norm.pdf(GRID)
    total = matching + background
    return matching / total, total / total.sum()


def measure_largest_error(trials: int, rng: np.random.Generator, *, matches: int) -> float:
    """The largest over all settings of mean |fitted - true| over pairs and trials."""
    return max(
        float(np.mean([np.abs(fitted - true) @ share for fitted, true, share in draws]))
        for draws in (
            list(_draw_fitted(matches, setting, trials, rng))
            for setting in product(BACKGROUND_COUNTS, SEPARATIONS, PRIORS)
        )
    )


def measure_separated(trials: int, rng: np.random.Generator, *, matches: int) -> float:
    """Mean fitted probability at the mean of matches 6 SDs off, of which 1 in 10 pairs is one."""
    fitted = (draw_calibration(matches, 500, 6.0, 0.1, rng) for _ in range(trials))
    return float(np.mean([one.to_probabilities(6.0) for one in fitted if one is not None]))


def measure_over_confidence(trials: int, rng: np.random.Generator) -> float:
    """Mean of fitted - true over pairs fitted at more than .5, over settings that have such pairs."""
    sums = np.zeros(2)
    for setting in product(BACKGROUND_COUNTS, SEPARATIONS, PRIORS):
        for fitted, true, share in _draw_fitted(10, setting, max(trials // 20, 2), rng):
            is_likely = fitted > 0.5
            sums += ((fitted - true)[is_likely] @ share[is_likely], share[is_likely].sum())
    return float(sums[0] / sums[1])


def _draw_fitted(
    matches: int, setting: tuple[int, float, float], trials: int, rng: np.random.Generator
) -> list[tuple[Floats, Floats, Floats]]:
    """The fitted and the true probability, and the share of pairs (1201,), a draw each."""
    background, separation, prior = setting
    true, share = make_truth(separation, prior)
    fitted = (draw_calibration(matches, background, separation, prior, rng) for _ in range(trials))
    return [(one.to_probabilities(GRID), true, share) for one in fitted if one is not None]


def count_gains(trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """Trainings whose gain is told to be above 0, where neither heads nor untrained space know anything."""
    positive = 0
    for _ in range(trials):
        fitted = make_uninformed_heads(rng)
        trained, baseline = (fitted.compute_held_out_precisions(use_trained=use) for use in (True, False))
        positive += int(trained.mean() > baseline.mean())
    return positive, trials


def make_uninformed_heads(rng: np.random.Generator) -> FittedHeads:
    """Held-out folds of one text an item, all cosines of which are noise."""
    noise = rng.normal(size=(FOLDS, 2, ITEMS, ITEMS)).astype(np.float32)
    folds = [
        HeldOutFold(
            item_indices=np.arange(ITEMS) + ITEMS * number,
            text_indices=np.arange(ITEMS) + ITEMS * number,
            is_match=np.eye(ITEMS, dtype=bool),
            member_similarities=(trained,),
            zero_shot_similarity=zero_shot,
        )
        for number, (trained, zero_shot) in enumerate(noise)
    ]
    heads = Heads(members=(), encoder_signatures={})
    return FittedHeads(heads=heads, held_out_folds=folds, groups=list(map(str, range(FOLDS * ITEMS))))
