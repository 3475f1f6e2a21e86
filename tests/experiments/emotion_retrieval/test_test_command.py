"""`emotions test` and `tables` on trained models."""

import json
import re

import numpy as np
import pytest

from experiments.emotion_retrieval.comparison.model_comparison import (
    compare_models,
    evaluate_model,
    make_similarity,
)
from experiments.emotion_retrieval.comparison.published_results import PUBLISHED_TABLES
from experiments.emotion_retrieval.data.caption_queries import CaptionQueries, read_captions
from experiments.emotion_retrieval.training import video_text_model
from retrieval.evaluation import EvaluationProtocol, evaluate

MODELS = ("none", "report", "gated-output")


@pytest.fixture(scope="module")
def test_arguments(trained, emotion_files):
    return [
        "test", *(trained / name for name in MODELS), "--records", emotion_files["test"], "--videos",
        emotion_files["videos"], "--frames", emotion_files["frames"], "--device", "cpu", "--draws", 100,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def tested(run_emotions, test_arguments, tmp_path_factory):
    out = tmp_path_factory.mktemp("tested")
    done = run_emotions(*test_arguments, "--out", out)
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.slow
def test_every_query_set_and_direction_is_reported(tested):
    record = json.loads((tested / "results.json").read_text())
    assert list(record["models"]) == list(MODELS) and list(record["differences"]) == list(MODELS[1:])
    counts = {name: sides["T2V"] for name, sides in record["query sets"].items()}
    assert counts["all"] == 12 == counts["with emotion"] + counts["without emotion"]
    assert counts["emotional"] + counts["neutral"] == 12
    for model in record["models"].values():
        assert list(model["rules"]) == ["project", "clip-vip", "emotion-report"]
        for by_set in model["rules"].values():
            for sides in by_set.values():
                for direction in ("T2V", "V2T"):
                    recall = sides[direction]["R@1"]
                    assert recall["low"] <= recall["value"] <= recall["high"]
    report = (tested / "report.md").read_text()
    assert "| all | none | clip-vip, emotion-report |" in report
    assert "## Text to video" in report and "## Less none, paired over the same queries" in report


@pytest.mark.slow
def test_encoded_features_are_kept(run_emotions, test_arguments, tested, monkeypatch):
    before = json.loads((tested / "results.json").read_text())
    monkeypatch.setattr(video_text_model.VideoTextModel, "encode", None)
    again = run_emotions(*test_arguments, "--out", tested, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["models"] == before["models"]


@pytest.mark.slow
def test_dsl_is_named_in_the_results(run_emotions, test_arguments, tested, tmp_path):
    (tmp_path / "features").symlink_to(tested / "features")
    done = run_emotions(*test_arguments, "--out", tmp_path, "--dsl", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["similarity"] == "cosine times dual softmax (DSL)"
    assert len(list((tested / "features").iterdir())) == len(MODELS)


def make_queries(count=40, captions=2):
    rng = np.random.default_rng(0)
    owners = [f"v{number // captions}" for number in range(count)]
    emotions = np.zeros((count, 8), np.float32)
    emotions[rng.random(count) < 0.4, 3] = 1
    return CaptionQueries(
        texts=tuple(f"text {number}" for number in range(count)), video_ids=tuple(owners), emotions=emotions,
        is_emotional=np.arange(count) < 6, digest="",
    )  # fmt: skip


def make_rows(queries, noise, seed=1):
    rng = np.random.default_rng(seed)
    gallery = tuple(dict.fromkeys(queries.video_ids))
    videos = rng.normal(size=(len(gallery), 16))
    texts = np.stack([videos[gallery.index(owner)] for owner in queries.video_ids])
    texts = texts + noise * rng.normal(size=texts.shape)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (texts, videos)]
    return unit[0].astype(np.float32), unit[1].astype(np.float32), gallery


def test_a_query_set_is_ranked_among_all_videos():
    queries = make_queries()
    texts, videos, gallery = make_rows(queries, noise=1.0)
    results = evaluate_model(texts, videos, queries, gallery)["project"]
    cosines, owner = texts @ videos.T, np.repeat(np.arange(20), 2)
    ranks = (cosines > cosines[np.arange(40), owner][:, None]).sum(1)
    mask = queries.emotions.any(axis=1)
    assert results["with emotion"]["T2V"].ranks.tolist() == ranks[mask].tolist()
    assert results["without emotion"]["T2V"].ranks.tolist() == ranks[~mask].tolist()
    assert results["emotional"]["V2T"].query_ids == ("v0", "v1", "v2")


def test_dsl_is_the_released_codes():
    queries = make_queries(captions=1)
    texts, videos, gallery = make_rows(queries, noise=2.0)
    cosines = texts.astype(np.float64) @ videos.T
    weights = np.exp(100 * cosines)
    wanted = cosines * weights / weights.sum(axis=0)  # softmax over the texts
    np.testing.assert_allclose(make_similarity(texts, videos, dsl=True).rows(slice(None)), wanted, rtol=1e-6)
    direct = evaluate(wanted, queries.video_ids, gallery, protocol=EvaluationProtocol(post="DSL"))
    results = evaluate_model(texts, videos, queries, gallery, dsl=True)["project"]["all"]
    assert results["T2V"].ranks.tolist() == direct.t2v.ranks.tolist()


def test_differences_are_paired():
    queries = make_queries()
    near, far = (
        evaluate_model(texts, videos, queries, gallery)
        for texts, videos, gallery in (make_rows(queries, noise) for noise in (0.5, 3.0))
    )
    difference = compare_models(near, far, seed=0, draws=200)["all"]["T2V"]["R@1"]
    values = [results["project"]["all"]["T2V"].compute_metric("R@1") for results in (near, far)]
    assert difference["value"] == pytest.approx(values[0] - values[1]) and difference["low"] > 0
    same = compare_models(near, near, seed=0, draws=200)["all"]["T2V"]["R@1"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)


def test_emotions_come_in_the_order_of_the_model(emotion_files):
    queries = read_captions(emotion_files["test"])
    order = ("anger", "joy")
    np.testing.assert_array_equal(queries.order_emotions(order), queries.emotions[:, [7, 0]])
    with pytest.raises(ValueError):
        queries.order_emotions(("boredom",))


@pytest.mark.slow
def test_the_four_tables_are_filled_with_runs(run_emotions, tested):
    results = tested / "results.json"
    done = run_emotions("tables", f"6k={results}:none", f"6k-emotion={results}:report")
    assert done.exit_code == 0, done.output
    assert len(re.findall(r"^## ", done.stdout, re.MULTILINE)) == 4
    published = [line for line in done.stdout.splitlines() if "published" in line]
    assert "| all | T2V | published | 23.9 | 41.5 | 49.0 | 11.0 | 124.4 |" in published
    assert "| all | V2T | published | 28.1 | 44.8 | 51.0 | 9.5 | 72.6 |" in published
    assert "44.8104 as R@1" in done.stdout
    yours = [line for line in done.stdout.splitlines() if "yours" in line]
    assert sum("| - |" in line for line in yours) == 8 and len(yours) == 16
    assert any("| all | T2V | yours, 12 queries, cosine |" in line for line in yours)
    rules = json.loads(results.read_text())["models"]["report"]["rules"]["emotion-report"]
    assert f"{rules['all']['T2V']['MnR']['value']:.1f} (" in yours[-4]


def test_published_recalls_of_the_34_are_whole_hits():
    for table in PUBLISHED_TABLES.values():
        for (query_set, _), values in table.rows.items():
            recalls = np.array(values[:3])
            assert (np.diff(recalls) >= 0).all()
            hits = recalls * 34 / 100
            assert query_set == "all" or np.abs(hits - hits.round()).max() < 1e-4


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("5k=results.json", "write TABLE=RESULTS.json:MODEL with a table of 7k, 9k, 6k, 6k-emotion"),
        ("6k={}", "name one of its models as :MODEL: none, report, gated-output"),
        ("6k={}:nobody", "name one of its models"),
        ("6k=gone.json", "gone.json: no such file"),
        ("6k={records}", "not a results.json"),
    ],
)
@pytest.mark.slow
def test_bad_tables_are_one_line(spec, message, run_emotions, tested, emotion_files):
    done = run_emotions("tables", spec.format(tested / "results.json", records=emotion_files["test"]))
    assert done.exit_code == 2 and message in done.output and done.output.count("\n") == 1
