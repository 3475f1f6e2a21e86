"""The circumplex report's network, the baseline of the image head."""

import numpy as np
import pytest
from rated_images import made

from experiments.heads import image_mlp_baseline
from experiments.heads.image.training_set import ROLE
from experiments.heads.image_mlp_baseline import MLPConfig, cross_validate
from retrieval.evaluation.affect_metrics import pearson


@pytest.fixture(scope="module")
def known():
    return made()


SMALL = MLPConfig(hidden_sizes=(32, 16), learning_rate=0.02, batch_size=60, iterations=150)


def test_the_reports_schedule_is_the_default():
    how = MLPConfig()
    assert (how.hidden_sizes, how.learning_rate, how.momentum) == ((3000, 1000, 1000), 1e-4, 0.9)
    assert (how.batch_size, how.iterations, how.patience) == (500, 70000, None)
    sizes = [tuple(one.weight.shape) for one in image_mlp_baseline.build_network(1721, how.hidden_sizes)[::2]]
    assert sizes == [(3000, 1721), (1000, 3000), (1000, 1000), (1, 1000)]


@pytest.mark.slow
def test_a_small_network_learns_across_themes(known):
    rows = known.features[ROLE][:, 0].astype(np.float32)
    found, nets = cross_validate(rows, known.mean_ratings, known.groups, SMALL, seed=0, n_folds=3)
    assert (pearson(found, known.mean_ratings) > 0.5).all() and np.abs(found).max() <= 1
    assert all(
        net.training_losses[-1] < 0.5 * net.training_losses[0] and len(net.training_losses) == 150
        for net in nets
    )


def test_early_stopping_looks_at_other_themes(known):
    rows = known.features[ROLE][:, 0].astype(np.float32)
    noise = np.random.default_rng(0).uniform(-1, 1, len(rows))
    how = MLPConfig(hidden_sizes=(64,), learning_rate=0.05, batch_size=60, iterations=400, patience=3)
    net = image_mlp_baseline.fit(rows, noise, known.groups, how, seed=0)
    assert (
        len(net.training_losses) < 400
        and len(net.validation_losses) == len(net.training_losses) // image_mlp_baseline.CHECK_INTERVAL
    )
    assert len(net.validation_losses) - 1 - int(np.argmin(net.validation_losses)) == 3


def test_a_missing_block_is_the_training_mean(known):
    rows = np.pad(known.features[ROLE][:, 0].astype(np.float32), ((0, 0), (0, 2)), constant_values=np.nan)
    rows[:5, 0] = np.nan
    net = image_mlp_baseline.fit(rows, known.mean_ratings[:, 0], known.groups, SMALL, seed=0)
    asked = rows[:5].copy()
    asked[:, 0] = net.mean[0]
    assert np.isfinite(net(rows)).all() and np.allclose(net(rows[:5]), net(asked), atol=1e-5)
