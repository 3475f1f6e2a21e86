"""Agreement of estimates with ratings, on data whose agreement is known."""

from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from experiments.affect_scale import agreement
from experiments.affect_scale.agreement import list_requirements, measure_agreement
from experiments.affect_scale.rated_estimates import CORPUS, RatedEstimates
from experiments.bench import main
from retrieval.evaluation import bootstrap_estimate


def make_items(estimates, ratings, sd, held_out="groups", rating_sd=None):
    """Items whose valence and arousal are the same, each its own group."""
    return RatedEstimates(
        corpus="set",
        kind="photo",
        estimates=np.column_stack([estimates, estimates, np.full((len(ratings), 2), sd)]),
        ratings=np.column_stack([ratings, ratings]),
        groups=np.arange(len(ratings)).astype(str),
        held_out=held_out,
        rating_sds=None if rating_sd is None else np.full((len(ratings), 2), rating_sd),
    )


@given(slope=st.floats(0.2, 3), offset=st.floats(-0.5, 0.5))
def test_a_linear_map_of_the_ratings_has_r_1_and_the_concordance_of_lin(slope, offset):
    ratings = np.linspace(-0.5, 0.5, 21)
    with pytest.MonkeyPatch.context() as patch:  # intervals take seconds an example
        patch.setattr(agreement, "bootstrap_estimate", partial(bootstrap_estimate, draws=1))
        row = next(measure_agreement(make_items(slope * ratings + offset, ratings, 0.1), seed=0))
    variance = ratings.var()
    assert row["r"].value == pytest.approx(1)
    assert row["CCC"].value == pytest.approx(2 * slope * variance / ((slope**2 + 1) * variance + offset**2))
    assert row["r less CCC"].value == pytest.approx(1 - row["CCC"].value)
    assert row["spread"].value == pytest.approx(slope)
    assert row["offset"].value == pytest.approx(offset, abs=1e-12)
    assert row["CCC without offset"].value == pytest.approx(2 / (slope + 1 / slope))
    assert row["by spread"].value == pytest.approx(1 - 2 / (slope + 1 / slope))
    assert row["by spread"].value + row["by offset"].value == pytest.approx(row["r less CCC"].value)


def test_coverage_is_the_share_within_one_sd_and_has_two_bounds():
    errors = np.tile([0.05, -0.05, 0.2, -0.2], 10)
    ratings = np.linspace(-0.8, 0.8, 40)
    row = next(measure_agreement(make_items(ratings + errors, ratings, 0.1), seed=0))
    assert row["within 1 SD"].value == 0.5
    loss, at_end, least, most = list_requirements(row)
    assert loss.is_met and at_end.is_met
    assert not least.is_met
    assert most.is_met


def test_coverage_of_labels_is_the_expected_share_of_their_items():
    ratings = np.linspace(-0.5, 0.5, 21)
    row = next(measure_agreement(make_items(ratings, ratings, 0.2, rating_sd=0.2), seed=0))
    assert row["within 1 SD"].value == pytest.approx(0.6827, abs=1e-4)
    wide = next(measure_agreement(make_items(ratings, ratings, 0.4, rating_sd=0.2), seed=0))
    assert wide["within 1 SD"].value == pytest.approx(0.9545, abs=1e-4)


def test_of_a_corpus_that_was_left_out_coverage_is_told_and_not_required():
    ratings = np.linspace(-0.5, 0.5, 21)
    row = next(measure_agreement(make_items(ratings - 0.4, ratings, 0.1, CORPUS), seed=0))
    assert row["within 1 SD"].value == 0
    loss, at_end = list_requirements(row)
    assert not loss.is_met and at_end.is_met


def test_a_pile_of_estimates_at_an_end_is_told():
    ratings = np.linspace(-0.8, 0.8, 40)
    row = next(measure_agreement(make_items(np.clip(2 * ratings, -1, 1), ratings, 0.5), seed=0))
    assert row["at an end"].value == (np.abs(ratings) >= 0.5).mean()
    assert [one.is_met for one in list_requirements(row) if "at an end" in one.name] == [False]


def test_the_command_names_the_heads_it_knows():
    done = CliRunner().invoke(main, ["scale", "--heads", "text,smell"])
    assert done.exit_code == 2
    assert "choose from text, photo, speech, music, face" in done.output


def test_sounds_without_norms_of_words_are_told_in_a_line(tmp_path):
    done = CliRunner().invoke(main, ["scale", "--heads", "sound", "--data", str(tmp_path)])
    assert done.exit_code == 2 and "supplement of Warriner" in done.output
    assert "Traceback" not in done.output
