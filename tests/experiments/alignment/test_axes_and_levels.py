"""Axes that are reversed or swapped, the level of a relation, and fitted maps as numbers."""

import numpy as np
import pytest
from alignment_factory import make_pairs, noise, study_pairs

from experiments.alignment.fitted_maps_table import format_fitted_maps
from experiments.alignment.pairs import AFFECT_COLUMNS
from experiments.alignment.verdict import make_verdict

MAPS = ("identity", "z-score", "procrustes", "affine")


def relate(change, seed=0, columns=AFFECT_COLUMNS):
    source = noise(80, seed, len(columns)) * np.linspace(1, 0.7, len(columns))
    target = change(source) + 0.3 * noise(80, seed + 1, len(columns))
    return study_pairs(make_pairs(source, target, columns=columns), MAPS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda points: points, ""),
        (lambda points: points * [-1, 1], "valence reversed"),
        (lambda points: points * [1, -1], "arousal reversed"),
        (lambda points: -points, "valence and arousal reversed"),
        (lambda points: points[:, ::-1], "axes swapped"),
        (lambda points: points[:, ::-1] * [1, -1], "axes swapped, arousal reversed"),
        (lambda points: points * [-1, 0], "valence reversed"),
    ],
)
def test_axes_in_words(change, words):
    result = relate(change)
    assert result.axes.describe() == words
    explanation = make_verdict(result).explanation
    assert (
        (f"the spaces lie with {words}." in explanation) if words else ("the spaces lie" not in explanation)
    )


def test_one_column_may_be_reversed_and_wide_or_unlike_spaces_have_no_axes():
    assert relate(lambda points: -points, columns=("valence",)).axes.describe() == "valence reversed"
    assert relate(lambda points: points, columns=tuple("abcde")).axes is None
    source = noise(60)
    pairs = make_pairs(source, -source + 0.1 * noise(60, 1), source_columns=("joy", "fear"))
    assert study_pairs(pairs, ("identity", "affine")).axes is None


def test_nothing_is_said_of_axes_of_unrelated_spaces():
    seeds = range(20)
    words = [relate(lambda points: 0 * points, seed=10 * seed).axes.describe() for seed in seeds]
    assert sum(map(bool, words)) <= 5  # intervals of 95 %, three statements
    assert "lie with" not in make_verdict(relate(lambda points: 0 * points)).explanation


def make_grouped(between, within):
    """Related means of 20 groups of 6 rows, or related deviations, or both."""
    number = np.repeat(np.arange(20), 6)
    parts = [noise(20, seed)[number] for seed in (0, 1)], [0.7 * noise(120, seed) for seed in (2, 3)]
    source = parts[0][0] + parts[1][0]
    target = parts[0][0 if between else 1] + parts[1][0 if within else 1] + 0.1 * noise(120, 4)
    return make_pairs(source, target, groups=number.astype(str), exchange="groups")


@pytest.mark.parametrize(("between", "within"), [(True, False), (False, True), (True, True)])
def test_the_level_of_a_relation(between, within):
    result = study_pairs(make_grouped(between, within), MAPS)
    text = make_verdict(result).explanation
    assert (result.levels.p_between < 0.05) == between and (result.levels.p_within < 0.05) == within
    told = text[text.lower().index("the relation lies") :].partition("; not shown")
    assert ("between groups" in told[0]) == between and ("within groups" in told[0]) == within
    assert ("between groups" in told[2]) != between and ("within groups" in told[2]) != within


def test_pairs_without_groups_have_one_level():
    assert study_pairs(make_pairs(noise(40), noise(40, 1)), ("identity",)).levels is None


def test_the_fitted_map_is_told_in_numbers():
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    result = relate(lambda points: 1.5 * points @ turn + [0.1, -0.2])
    lines = "\n".join(format_fitted_maps(result))
    parts = result.fitted["procrustes"]
    assert parts.degrees == pytest.approx(30, abs=3) and not parts.reflects
    assert parts.scales == pytest.approx([1.5, 1.5], rel=0.1)
    assert parts.bias == pytest.approx([0.1, -0.2], abs=0.15)
    assert "fitted on all 80 pairs, none held out" in lines and "turned by 30°" in lines.replace("29", "30")
    assert "identity" not in result.fitted and set(result.fitted) == {"z-score", "procrustes", "affine"}
    mirrored = "\n".join(format_fitted_maps(relate(lambda points: points[:, ::-1])))
    assert "mirrored about the line at 45°" in mirrored.replace("44", "45").replace("46", "45")
