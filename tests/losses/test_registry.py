import math

import numpy as np
import pytest
import torch

from losses import LOSSES, InfoNCE, LearnableInfoNCE, LossEntry, RankingLoss, info_nce, vse
from losses.contrastive import CLIP_VIP_BOUNDS
from spaces.joint.schedule import Schedule
from spaces.joint.towers import JointModel, Projection, SentenceTower
from spaces.joint.training import Trainer
from spaces.joint.training_set import TrainingSet

SETTINGS = {"margin": 0.2, "temperature": 0.05, "strength": 1.0, "shape": "jemc"}


def squared_gap(margin=0.2):
    """A toy loss: the squared distance of every true pair's similarity from 1 plus the margin."""

    def compute(similarity, same_item=None, pairs=None):
        return (1 + margin - similarity.diagonal()).square().sum()

    return compute


@pytest.fixture
def toy(monkeypatch):
    entry = LossEntry(make=squared_gap, warmup=vse, collapsed_loss=lambda loss, count: count * 0.2**2)
    monkeypatch.setitem(LOSSES, "toy", entry)
    return entry


def test_a_loss_is_one_row(toy):
    rng = np.random.default_rng(0)
    data = TrainingSet(
        features={"objects": rng.normal(size=(24, 6)).astype(np.float32)},
        texts=rng.normal(size=(24, 5)).astype(np.float32),
        item_by_text=np.arange(24),
    )
    loss = LOSSES["toy"].make_from_settings(SETTINGS)
    history = Trainer(
        model=JointModel(Projection({"objects": 6}, 8), SentenceTower(5, 8)),
        training_set=data,
        loss=loss,
        warmup_loss=toy.warmup(0.2),
        collapse_test=lambda value, count: value <= toy.collapsed_loss(loss, count),
        schedule=Schedule(epochs=1, batch=8),
        seed=0,
    ).run()
    assert len(history.epochs) == 1 and history.epochs[0].loss > 0 and not history.collapsed


@pytest.mark.parametrize("name", LOSSES)
def test_every_argument_has_a_default_and_a_setting(name):
    entry, similarity = LOSSES[name], torch.eye(4)
    assert entry()(similarity) >= 0
    assert entry.make_from_settings(SETTINGS)(similarity) >= 0
    with pytest.raises(KeyError):
        entry.make_from_settings({})


def test_settings_reach_the_loss():
    settings = {"margin": 0.3, "temperature": 0.1, "strength": 4.0, "shape": "linear"}
    made = {name: entry.make_from_settings(settings) for name, entry in LOSSES.items()}
    assert made["weighted"] == RankingLoss(margin=0.3, strength=4.0, shape="linear")
    assert made["vse"] == RankingLoss(margin=0.3, negatives="every")
    assert made["infonce"] == InfoNCE(temperature=0.1)
    learnt = made["infonce-learnt"]
    assert isinstance(learnt, LearnableInfoNCE)
    assert learnt.log_temperature.exp().item() == pytest.approx(0.3)


def test_losses_of_the_hardest_negative_warm_up():
    assert {"vse++", "weighted", "semi-hard"} <= {name for name, entry in LOSSES.items() if entry.warmup}
    assert {"vse++", "weighted"} <= {name for name, entry in LOSSES.items() if entry.collapsed_loss}
    assert not LOSSES["vse"].warmup and not LOSSES["infonce"].collapsed_loss


@pytest.mark.parametrize(("start", "learnt"), [(1e-4, 0.01), (50.0, 1.0), (0.07, 0.07)])
def test_a_learnt_temperature_has_a_floor_and_a_ceiling(start, learnt):
    """As CLIP clamps its logit scale; the parameter can still come back from either bound."""
    loss = LearnableInfoNCE(start)
    similarity = torch.tensor([[0.3, 0.2], [0.4, 0.1]], requires_grad=True)
    loss(similarity).backward()
    assert loss.log_temperature.exp().item() == pytest.approx(learnt, rel=1e-5)
    assert loss.log_temperature.grad.item() != 0
    assert loss(similarity.detach()).item() == pytest.approx(info_nce(similarity, learnt).item(), rel=1e-4)


def test_the_bounds_of_a_learnt_temperature_can_be_those_of_clip_vip():
    """Logit scales from 1 to 200, from a start of 4.60."""
    similarity = torch.eye(3) * 0.1
    free = LearnableInfoNCE(1e-4, CLIP_VIP_BOUNDS)
    free(similarity)
    assert (-free.log_temperature).exp().item() == pytest.approx(200)
    start = LearnableInfoNCE(math.exp(-4.60), CLIP_VIP_BOUNDS)
    start(similarity)
    assert -start.log_temperature.item() == pytest.approx(4.60)
    with pytest.raises(ValueError, match="above 0 and ascending"):
        LearnableInfoNCE(0.07, (0.0, 1.0))


def test_no_training_can_drive_the_temperature_out_of_its_bounds():
    """Pairs that are already told apart reward ever lower temperatures."""
    loss = LearnableInfoNCE(0.02)
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        loss(torch.eye(4) * 0.5).backward()
        optimiser.step()
    value = loss(torch.eye(4) * 0.5)
    assert torch.isfinite(value)
    assert loss.log_temperature.exp().item() >= 0.01 * (1 - 1e-5)
