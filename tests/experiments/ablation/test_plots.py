"""Plots of an ablation."""

from dataclasses import replace

import numpy as np
import pytest
from ablation_factory import SMALL, make_data
from PIL import Image

from experiments.ablation import plots
from experiments.ablation.results import measure_rows
from experiments.ablation.row_plan import plan_rows
from experiments.ablation.runner import run_trials
from experiments.ablation.trials import Trial


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    corpus = make_data()
    plan = plan_rows(corpus.present_roles, "gru", prefixes=["1.2", "1.5", "2.3"], has_zero_shot=False)
    trials = [Trial(space=space, seed=seed) for seed in range(2) for space in plan.spaces]
    folders = run_trials(trials, corpus, SMALL, tmp_path_factory.mktemp("rows"), jobs=1, quiet=True)
    return measure_rows(plan, range(2), folders, corpus, None)


def test_titles_are_whole(results):
    """Also that of a single, narrow panel, and of a space with a long name."""
    space, histories = next(iter(results.histories.items()))
    long = replace(space, loss=replace(space.loss, name="my_losses:" + "very_" * 5 + "long name " * 8))
    figure = plots.plot_learning_curves(
        replace(results, histories={long: histories}), "a title in many words " * 9, lambda epoch: epoch.loss
    )
    figure.draw_without_rendering()
    for text in (figure._suptitle, *(axes._left_title for axes in figure.axes)):
        extent = text.get_window_extent()
        assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y1 <= figure.bbox.y1


def test_seeds_are_told_apart(results):
    figure = plots.plot_learning_curves(results, "", lambda epoch: epoch.score)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["seed 0", "seed 1"]
    lines = [line for line in figure.axes[0].lines if line.get_label().startswith("seed")]
    assert lines[0].get_color() != lines[1].get_color()
    rows = plots.plot_recalls("set", results.rows)
    marks = [line for line in rows.axes[2].lines if line.get_marker() == "|" and line.get_markersize() == 9]
    shown = sorted(value for line in marks for value in line.get_xdata())
    assert shown == sorted(
        metrics["rsum"]
        for row in results.rows
        for metrics in row.metrics_by_seed
        if len(row.metrics_by_seed) > 1
    )


def test_losses_that_a_log_scale_cant_show_are_marked(results):
    space, histories = next(iter(results.histories.items()))
    epochs = histories[0].epochs
    ended = {0: replace(histories[0], epochs=(*epochs[:-1], replace(epochs[-1], loss=0.0)))}
    figure = plots.plot_learning_curves(
        replace(results, histories={space: ended}), "", lambda epoch: epoch.loss, y_scale="log"
    )
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert [list(line.get_xdata()) for line in marks] == [[len(epochs)]]


@pytest.mark.slow
def test_files(results, tmp_path):
    files = plots.save_plots(tmp_path, "made-up", results)
    assert [file.name for file in files] == ["rows.png", "learning-rsum.png", "learning-loss.png"]
    for file in files:
        pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
        assert min(pixels.shape[:2]) > 200
        assert 0.01 < (pixels.min(2) < 200).mean() < 0.5  # some ink, and not too much
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
