"""An estimate that says no more than the prior ranks as one, whatever is asked of it."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.search.affect_search import make_mood_target, score_unwanted_moods
from retrieval.search.mood_course import CourseTarget
from retrieval.search.mood_targets import PointTarget, RegionTarget
from retrieval.search.query import Query
from spaces.circumplex import NUDGES, PRIOR_SD, affinity, compute_prior_affinity, is_uncertain

coordinates = st.floats(-1, 1)
points = st.tuples(coordinates, coordinates)
narrow_sds = st.floats(0.02, 0.1)
wide_factors = st.floats(1, 20)  # times the SD of the prior
short_steps = st.tuples(st.floats(0, 0.25), st.floats(0, 2 * np.pi))


def make_row(point, sds):
    return [*point, *np.broadcast_to(sds, 2)]


def move(point, step):
    """A point moved by (length, angle), kept on the plane."""
    length, angle = step
    return tuple(np.clip([point[0] + length * np.cos(angle), point[1] + length * np.sin(angle)], -1, 1))


def make_snapshot(rows, segments_per_item=1):
    rows = np.repeat(np.array(rows), segments_per_item, axis=0)
    items = np.repeat(np.arange(len(rows) // segments_per_item), segments_per_item)
    return SimpleNamespace(item_by_segment=items, select_affect=rows.__getitem__)


def score(target, rows, segments_per_item=1):
    snapshot = make_snapshot(rows, segments_per_item)
    return target.score(snapshot, np.arange(0, len(rows) * segments_per_item, segments_per_item))


@given(mood=points, seen=points, factor=wide_factors, sd=narrow_sds, step=short_steps)
def test_what_is_known_to_lie_at_or_near_a_mood_is_before_what_is_not_known(mood, seen, factor, sd, step):
    near = make_row(move(mood, step), sd)
    unknown = [make_row(place, factor * np.array(PRIOR_SD)) for place in (seen, mood)]
    scores = score(PointTarget(point=mood), [make_row(mood, sd), near, *unknown])
    assert min(scores[:2]) > max(scores[2:])


@given(mood=points, sd=narrow_sds)
def test_what_is_known_to_lie_far_from_a_mood_is_behind_what_is_not_known(mood, sd):
    opposite = tuple(-np.sign(np.array(mood) + 1e-9))
    far, unknown = score(PointTarget(point=mood), [make_row(opposite, sd), make_row((0, 0), 10.0)])
    assert far < unknown == pytest.approx(compute_prior_affinity(mood), abs=2e-3)


@given(
    mood=points, seen=points, factor=wide_factors, sd=narrow_sds, step=short_steps, radius=st.floats(0.3, 0.5)
)
def test_a_region_prefers_what_is_known_to_lie_in_it(mood, seen, factor, sd, step, radius):
    place = move(mood, (step[0] * 0.5 * radius / 0.25, step[1]))  # at most half of the radius off
    rows = [make_row(place, min(sd, radius / 8)), make_row(mood, sd)]
    unknown = [make_row(at, factor * np.array(PRIOR_SD)) for at in (seen, mood)]
    scores = score(RegionTarget(centre=mood, radius=radius), [*rows, *unknown])
    assert min(scores[:2]) > max(scores[2:])


@given(start=points, end=points, factor=wide_factors, sd=narrow_sds)
def test_a_course_prefers_what_is_known_to_take_it(start, end, factor, sd):
    target = CourseTarget(path=np.linspace(start, end, 5))
    known = np.array([make_row(point, sd) for point in target.path])
    unknown = known.copy()
    unknown[:, 2:] = factor * np.array(PRIOR_SD)
    snapshot = SimpleNamespace(
        item_by_segment=np.repeat([0, 1], 5), select_affect=np.concatenate([known, unknown]).__getitem__
    )
    takes_it, might = target.score(snapshot, np.array([0, 5]))
    assert takes_it > might


@given(mood=points, factor=wide_factors, sd=narrow_sds)
def test_an_unwanted_mood_counts_against_what_has_it_and_less_against_what_might(mood, factor, sd):
    rows = [make_row(mood, sd), make_row(mood, factor * np.array(PRIOR_SD)), [np.nan] * 4]
    (unwanted,) = score_unwanted_moods(make_snapshot(rows), [mood], np.arange(3)).values()
    has_it, might, abstains = unwanted.total
    assert has_it > 0.9 > 0.5 > might > 0 and np.isnan(abstains)


@pytest.mark.parametrize("nudge", NUDGES)
def test_a_nudge_of_what_is_not_known_starts_near_the_middle_and_says_so(nudge, caplog):
    def find_point(sds, name):
        part = SimpleNamespace(affect=np.array(make_row((0.6, -0.6), sds), np.float32))
        return np.array(make_mood_target(Query(text="a", nudges=(name,), affect=0.7), [part], None).point)

    direction = np.array(NUDGES[nudge])
    with caplog.at_level(logging.WARNING):
        known = find_point(0.05, nudge)
    assert not caplog.messages
    with caplog.at_level(logging.WARNING):
        unknown = find_point(10.0, nudge)
    assert "little is known of how this query feels" in caplog.text
    assert np.abs(unknown[direction == 0]).max() < 0.01  # the prior's mean, where nothing is asked to change
    assert np.abs(known[direction == 0]).min() > 0.5
    assert (unknown @ direction) > 0.6  # two SDs of the prior from its mean


@given(seen=points, valence_factor=st.floats(0.2, 5), arousal_factor=st.floats(0.2, 5))
def test_uncertain_is_what_moves_the_posterior_less_than_half_way(seen, valence_factor, arousal_factor):
    sds = np.array(PRIOR_SD) * (valence_factor, arousal_factor)
    gains = np.array(PRIOR_SD) ** 2 / (np.array(PRIOR_SD) ** 2 + sds**2)
    if abs(gains.mean() - 0.5) > 1e-6:
        assert is_uncertain([make_row(seen, sds)])[0] == (gains.mean() < 0.5)
    assert affinity([make_row(seen, sds)], seen)[0] <= 1
