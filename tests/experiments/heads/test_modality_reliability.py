import csv
import json

import numpy as np
import pytest
from repository import DATA

from encoders.base import AffectError
from experiments.datasets import liris_accede
from experiments.heads import film_benchmark, modality_reliability
from experiments.heads.modality_reliability.paired_modalities import load_cremad_pairs, load_ravdess_pairs
from experiments.heads.modality_reliability.prediction import predict_affect, predict_held_out
from experiments.heads.modality_reliability.reliability import (
    MODALITIES,
    ReliabilityEstimate,
    fit_reliability,
    pool_reliability,
)
from experiments.heads.modality_reliability.train import RELIABILITY_FILE
from retrieval.evaluation.affect_metrics import ccc, rmse
from spaces.affect_regression import load_modality_reliability

NOWHERE = (0.0, 0.0)


def stating(count, truly, stated, correlation, seed=0):
    """Truth (n, 2) and rows of sound and face whose errors have the SDs `truly`, but who state `stated`."""
    rng = np.random.default_rng(seed)
    truth, common = rng.uniform(-1, 1, (count, 2)), rng.normal(size=(count, 2))
    rows = {}
    for sense, sd, said in zip(("sound", "face"), truly, stated, strict=True):
        own = rng.normal(size=(count, 2))
        error = sd * (correlation**0.5 * common + (1 - correlation) ** 0.5 * own)
        rows[sense] = np.concatenate([truth + error, np.full((count, 2), said)], axis=1)
    return truth, rows


def evidence(reliability, error, correlation=NOWHERE, name="a set"):
    return ReliabilityEstimate(
        name=name, reliability=reliability, log_standard_error=error, error_correlation=correlation
    )


def test_a_sense_that_claims_half_its_sd_is_found_out():
    truth, rows = stating(4000, truly=(0.4, 0.3), stated=(0.2, 0.3), correlation=0.5)
    logs, correlation = fit_reliability(rows, truth)
    assert np.exp(logs[0]) == pytest.approx([0.25, 0.25], rel=0.2)
    assert np.exp(logs[1]) == pytest.approx([1, 1], rel=0.2)
    assert correlation == pytest.approx((0.5, 0.5), abs=0.05)


def test_without_evidence_a_sense_is_taken_at_its_word():
    reliability, _ = pool_reliability([evidence({"sound": (0.5, 2.0)}, {"sound": (0.1, 0.1)})])
    assert reliability["image"] == reliability["text"] == (1, 1)


def test_evidence_moves_it_the_further_the_more_there_is():
    sure, unsure = (
        ({"sound": (0.25, 0.25)}, {"sound": (0.0, 0.0)}),
        ({"sound": (0.25, 0.25)}, {"sound": (3.0, 3.0)}),
    )
    (one, two, vague) = (
        pool_reliability([evidence(*each) for each in found])[0]["sound"][0]
        for found in ([sure], [sure, sure], [unsure])
    )
    assert one == pytest.approx(0.25**0.5)
    assert two == pytest.approx(0.25 ** (2 / 3))
    assert vague == pytest.approx(1, abs=0.02)


def test_the_correlation_is_the_mean_of_the_sets():
    some = {"sound": (1.0, 1.0)}
    found = pool_reliability([evidence(some, some, (0.2, 0.5)), evidence(some, some, (0.6, 0.5))])[1]
    assert found == pytest.approx((np.tanh(np.mean(np.arctanh([0.2, 0.6]))), 0.5))


def test_what_is_packaged_is_what_the_engine_reads():
    told = json.loads(RELIABILITY_FILE.read_text(encoding="utf-8"))
    assert set(told["reliability"]) == set(MODALITIES)
    assert load_modality_reliability().reliability == {
        sense: tuple(two) for sense, two in told["reliability"].items()
    }
    assert all(0 < one < 1 for one in load_modality_reliability().correlation)
    assert told["reliability"]["text"] == told["reliability"]["image"] == [1, 1]
    assert {one["set"] for one in told["evidence"]} == {"ravdess", "cremad"}


@pytest.mark.data
class TestPerformances:
    def test_only_features_of_face_and_voice_are_read(self):
        pairs = load_ravdess_pairs(DATA)
        assert {sense: rows.shape for sense, rows in pairs.features.items()} == {
            "sound": (300, 67),
            "face": (300, 42),
        }
        assert set(pairs.splits) == {"train", "dev"}
        dev = set(pairs.groups[pairs.find_rows("dev")])
        assert dev == {"17", "18", "19", "20"}
        assert not dev & set(pairs.groups[pairs.find_rows("train")])

    @pytest.mark.parametrize("table", ["learned", "hand"])
    def test_the_face_tells_valence_better_and_the_voice_arousal(self, table):
        pairs = load_ravdess_pairs(DATA, table)
        rows = predict_held_out(pairs, pairs.find_rows("train", "dev"), seed=0)
        miss = {sense: rmse(one[:, :2], pairs.ratings) for sense, one in rows.items()}
        assert miss["face"][0] < miss["sound"][0] - 0.03
        assert miss["sound"][1] < miss["face"][1]

    def test_there_is_nothing_to_test_on_without_test_rows(self):
        assert modality_reliability.evaluate(DATA, seed=0, part="test") == []

    @pytest.mark.slow
    def test_joined_is_nearer_than_the_better_sense_and_covers_what_it_says(self):
        found = {
            (one.dataset, one.metric): one for one in modality_reliability.evaluate(DATA, seed=0, part="dev")
        }
        for name in ("valence", "arousal"):
            best = max(found["ravdess", f"{name} CCC of {sense}"].value for sense in ("sound", "face"))
            assert found["ravdess", f"{name} CCC joined"].value > best - 0.03
            assert 0.55 < found["ravdess", f"{name} truth within one SD of joined"].value < 0.85

    def test_people_see_more_than_they_hear(self):
        pairs = load_cremad_pairs(DATA)
        assert len(pairs.ratings) == 7442
        assert len(np.unique(pairs.groups)) == 91
        taught, asked = (np.flatnonzero(np.char.startswith(pairs.groups, year)) for year in ("100", "101"))
        rows = predict_affect(pairs, taught, asked, seed=0)
        told = {sense: ccc(one[:, :2], pairs.ratings[asked]) for sense, one in rows.items()}
        assert (told["face"] > told["sound"] + 0.1).all()


@pytest.mark.data
class TestFilms:
    def test_runs_of_clips_lie_in_one_part(self):
        known = film_benchmark.load_clips(DATA)
        assert len(known.ids) == 4900
        assert len(known.find_rows("learn")) == len(known.find_rows("valid")) == 2450
        assert all(len(set(known.splits[known.film_ids == one])) == 1 for one in np.unique(known.film_ids))
        assert known.is_audio.sum() == 16
        assert not known.is_audio[known.feature_names.index("slope")]
        assert np.abs(known.ratings).max() <= 1

    def test_outliers_are_tamed(self):
        known = film_benchmark.load_clips(DATA)
        assert known.features.max() > 1e15
        assert np.abs(film_benchmark.fit_normal_scores(known.features[:100])(known.features)).max() <= 2.5

    @pytest.mark.slow
    def test_test_clips_are_measured_where_a_root_has_them(self, tmp_path):
        small(tmp_path, lambda place: "1" if place < 400 else "0")
        found = film_benchmark.evaluate(tmp_path, seed=0, part="test")
        assert {one.count for one in found} == {200}
        assert {one.required for one in found} == {None, 0.25, 0.30}
        assert film_benchmark.evaluate(tmp_path, seed=0, part="dev") == []

    def test_what_is_no_such_table_is_refused(self, tmp_path):
        with pytest.raises(AffectError, match="ACCEDEsets"):
            film_benchmark.load_clips(tmp_path)
        small(tmp_path, lambda place: "7")
        with pytest.raises(AffectError, match="liris_accede_features"):
            film_benchmark.load_clips(tmp_path)


def test_neighbours_are_of_the_same_film():
    found = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [6.0, 0.0]])
    summed = film_benchmark.add_neighbour_means(found, np.array([0, 0, 1, 2]))
    assert summed[:, 0] == pytest.approx([0 + 2 - 3, 2 + 0 - 3, 4, 6])


def small(root, part):
    """600 clips of the tables, with parts as `part` gives them by place."""
    folder = root / liris_accede.FOLDER
    folder.mkdir(exist_ok=True)
    for name in ("ACCEDEsets.txt", "ACCEDEranking.txt", *liris_accede.FEATURE_TABLES):
        with (DATA / liris_accede.FOLDER / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))[:600]
        if name == "ACCEDEsets.txt":
            rows = [{**row, "set": part(place)} for place, row in enumerate(rows)]
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            out = csv.DictWriter(stream, rows[0], delimiter="\t")
            out.writeheader()
            out.writerows(rows)
