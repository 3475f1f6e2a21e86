"""The ways of CLIP-ViP's attention give the same, and proxy-guided attention does less."""

import pytest
import torch
from clip_factory import make_clip_config

from experiments.benchmarks.clipvip import make_report
from experiments.benchmarks.clipvip_attention import (
    WAYS,
    count_scores,
    make_workload,
    measure_saved_bytes,
)

FIRST = next(iter(WAYS))


@pytest.fixture
def workload():
    return make_workload(make_clip_config(image_size=64), videos=2, frames=5, seed=0)


def run(workload, way, method):
    workload.select_way(way)
    return getattr(workload, method)()


def test_all_ways_give_the_same_rows(workload):
    rows = {way: run(workload, way, "encode") for way in WAYS}
    for way in WAYS:
        assert torch.allclose(rows[way], rows[FIRST], atol=1e-5), way


def test_proxy_guided_attention_keeps_less_than_all_scores(workload):
    kept = {way: measure_saved_bytes(lambda way=way: run(workload, way, "train")) for way in WAYS}
    assert kept["proxy-guided"] < kept[FIRST]


def test_a_step_of_training_moves_the_weights(workload):
    before = workload.model.clip_vip.video.projection.weight.clone()
    run(workload, "proxy-guided", "train")
    assert not torch.equal(before, workload.model.clip_vip.video.projection.weight)


def test_scores_of_a_head():
    assert count_scores(4, 12, 49) == {"dense": 350_464, "proxy-guided": 33_532}


def test_the_report_has_a_row_a_way(workload):
    settings = {"videos": 2, "frames": 5, "rounds": 2, "seed": 0}
    report = make_report(workload, dict.fromkeys(WAYS, (2**29, 2**30)), settings).to_json()
    assert [row["attention"] for row in report["rows"]] == list(WAYS)
    assert all(row["peak of a step GiB"] == 1 for row in report["rows"])
    assert all(row["kept for backward GiB"] == 0.5 for row in report["rows"])
    assert report["rows"][0]["step, times as fast"]["value"] == 1
