"""Measures of mood queries on a gallery of toys, whose faces are what is rated."""

import numpy as np
import pytest
from click.testing import CliRunner
from mood_gallery import CONTENTS, make_gallery

from experiments.affect_dial.gallery import open_gallery
from experiments.bench import main
from experiments.mood_queries import rated_items
from experiments.mood_queries.rated_items import (
    gallery_groups,
    measure_absence,
    measure_distances,
    measure_regions,
    score_items,
)
from experiments.mood_queries.searches import measure_across, measure_nudges, measure_unwanted
from spaces.circumplex import LANDMARKS


@pytest.fixture(scope="module")
def toys():
    gallery = make_gallery()
    with open_gallery(gallery) as engine:
        yield gallery, engine


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(rated_items, "DRAWS", 50)


def test_scores_are_by_position_and_an_abstention_is_last(toys):
    gallery, engine = toys
    scores = score_items(engine, gallery, [{"mood": LANDMARKS["happy"]}])[:, 0]
    assert np.array_equal(np.isinf(scores), np.isnan(gallery.affect[:, 0]))
    happy = (gallery.affect == LANDMARKS["happy"]).all(axis=1)
    assert scores[happy].min() > scores[~happy & np.isfinite(scores)].max()


def test_groups_are_those_of_the_queries(toys):
    groups = gallery_groups(toys[0])
    assert {"content 0", "content 1", "content 2"} <= set(groups.tolist())
    assert len(groups) == len(toys[0].affect) and CONTENTS == 3


def test_regions_and_absence_beat_chance(toys, monkeypatch):
    gallery, engine = toys
    monkeypatch.setattr(rated_items, "DEPTH", 3)
    regions = measure_regions(engine, gallery, seed=0)
    assert regions["of"] and regions["value"].value > regions["beside"]
    assert measure_absence(engine, gallery, seed=0)["value"].value == 0
    distances = measure_distances(engine, gallery, seed=0)
    assert distances["value"] - distances["beside"] == pytest.approx(distances["difference"].value)


def test_a_nudge_moves_and_an_unwanted_mood_is_found_less(toys):
    gallery, engine = toys
    moved = measure_nudges(engine, gallery, seed=0)["moved as asked"]
    assert moved["value"].value > moved["beside"] and moved["difference"].low > 0
    unwanted = measure_unwanted(engine, gallery, seed=0)["rated as not wanted"]
    assert unwanted["value"].value <= unwanted["beside"]
    across = measure_across(engine, gallery, gallery, seed=0)
    assert set(across) == {"of", "value", "beside", "chance", "difference"}


def test_a_set_that_is_not_there_is_one_line():
    done = CliRunner().invoke(main, ["mood", "--sets", "oasis,faces"])
    assert done.exit_code == 2 and "choose from oasis" in done.output
