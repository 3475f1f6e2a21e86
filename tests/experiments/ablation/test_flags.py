"""What a reader of a table is warned of."""

from dataclasses import replace

import numpy as np
import pytest
from ablation_factory import SMALL, make_data, unit

from experiments.ablation.flags import count_steps, flag_certain_recalls, list_flags
from experiments.ablation.fused_ranks import evaluate_similarity, fuse_similarities
from experiments.ablation.results import measure_rows
from experiments.ablation.row_plan import plan_rows
from experiments.ablation.runner import run_trials
from experiments.ablation.settings import PROTOCOLS, apply_overrides
from experiments.ablation.table_rows import OBJECT_SPACE
from experiments.ablation.trials import Trial


def measure(data, tmp_path, settings, prefixes):
    plan = plan_rows(data.present_roles, "gru", prefixes=prefixes, has_zero_shot=False)
    trials = [Trial(space=space, seed=0) for space in plan.spaces]
    folders = run_trials(trials, data, settings, tmp_path, jobs=1, quiet=True)
    return measure_rows(plan, range(1), folders, data, None)


def test_equal_rows_and_short_trainings(tmp_path):
    data = make_data()
    data = replace(data, features={**data.features, "activity": data.features["objects"]})
    settings = apply_overrides(SMALL, ["schedule.batch=64"])
    results = measure(data, tmp_path, settings, ["1.2"])
    flags = list_flags(results, data, settings)
    assert "1.2 object; 1.2 activity: equal to the last digit, though trained apart" in flags
    words = "1 optimiser step an epoch, where the schedule is meant for many: object; activity; audio ("
    assert any(flag.startswith(words) for flag in flags)
    history = results.histories[OBJECT_SPACE.resolve(("objects",), "gru")][0]
    for best, is_flagged in ((3, True), (2, False)):
        kept = {space: {0: replace(history, best=best)} for space in results.histories}
        flags = list_flags(replace(results, histories=kept), data, settings)
        assert any("3 of 3 trainings kept their last epoch" in flag for flag in flags) == is_flagged


def test_rows_that_are_one_training_say_so(tmp_path):
    data = make_data()
    flags = list_flags(measure(data, tmp_path, SMALL, ["1.1 InfoNCE", "1.2 object"]), data, SMALL)
    assert "1.1 weighted; 1.2 object: the same trainings" in flags
    assert "dev has 10 items: rsum of so few hardly tells which epoch is best" in flags
    assert not any("optimiser step" in flag for flag in flags)


@pytest.mark.parametrize(("batch", "steps"), [(64, 1), (59, 1), (58, 2), (30, 2), (16, 4)])
def test_steps_of_an_epoch(batch, steps):
    settings = apply_overrides(SMALL, [f"schedule.batch={batch}"])
    space = OBJECT_SPACE.resolve(("objects",), "gru")
    assert count_steps(space, make_data(), settings) == steps  # of 60 captions
    by_items = apply_overrides(settings, ["schedule.draw=items"])
    assert count_steps(space, make_data(), by_items) == -(-30 // batch)


def test_recalls_that_reach_the_gallery():
    ten = make_data(items=50)  # 10 in test, with 2 captions each
    assert list(flag_certain_recalls(ten, PROTOCOLS["project"])) == [
        "T2V R@10 is 100 whatever the ranking: there are 10 items to rank",
        "rsum contains 1 of 6 recalls that can't be below 100",
    ]
    assert len(list(flag_certain_recalls(ten, PROTOCOLS["clip4clip"]))) == 3
    assert not list(flag_certain_recalls(make_data(items=60), PROTOCOLS["project"]))
    four = make_data(items=20)  # 8 captions, 7 of them to rank
    names = [flag.partition(" is ")[0] for flag in flag_certain_recalls(four, PROTOCOLS["project"])]
    assert names[:-1] == ["T2V R@5", "T2V R@10", "V2T R@10"]


def test_a_flagged_recall_is_100_for_any_ranking():
    rng, owner = np.random.default_rng(0), np.repeat(np.arange(4), 2)
    for _ in range(20):
        similarity = fuse_similarities([(unit(rng, 4, 8), unit(rng, 8, 8))])
        evaluation = evaluate_similarity(similarity, owner)
        assert evaluation.t2v.compute_metric("R@5") == evaluation.v2t.compute_metric("R@10") == 100
        assert evaluation.v2t.compute_metric("R@7") == 100
