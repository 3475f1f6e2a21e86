"""Small worlds whose causes can be learnt, models of them, and short runs of training."""

import numpy as np
import torch
from torch import nn

from losses import LOSSES
from losses.contrastive import info_nce
from spaces.joint.schedule import Schedule
from spaces.joint.towers import GRUTower, JointModel, Projection, SentenceTower, SharedModel
from spaces.joint.training import Trainer
from spaces.joint.training_set import TrainingSet

SHORT = Schedule(epochs=4, batch=8, rate=0.01, every=2)
SIZES = 7
WORDS = 4 + 4 * SIZES + 1


class Learnt(nn.Module):
    """InfoNCE with its temperature learnt."""

    def __init__(self):
        super().__init__()
        self.logarithm = nn.Parameter(torch.tensor(-2.0))

    def forward(self, table, same):
        return info_nce(table, self.logarithm.exp(), same)


def world(items=20, *, texts_each=2, views=0, noise=0.3, words=False, seed=0):
    """Items with four causes, seen linearly in two roles and told linearly, or by a word each, in texts."""
    random = np.random.default_rng(seed)
    causes, owner = random.standard_normal((items, 4)), np.repeat(np.arange(items), texts_each)

    def seen(width, shape):
        clean = causes @ random.standard_normal((4, width))
        clean = clean[:, None] if len(shape) == 3 else clean
        return (5 + clean + noise * random.standard_normal(shape)).astype(np.float32)

    extra = (views,) if views else ()
    media = {role: seen(width, (items, *extra, width)) for role, width in (("objects", 7), ("sound", 5))}
    if words:
        sizes = np.argsort(np.argsort(causes, axis=0), axis=0) * SIZES // items  # (items, 4), 0 the smallest
        said = (4 + SIZES * np.arange(4) + sizes)[owner]
        texts = np.zeros((len(owner), 7), np.int64)
        texts[:, 0], texts[:, 1:5], texts[:, 5] = 2, said, 3
        texts[::2, 1], texts[::2, 2:6], texts[::2, 6] = WORDS - 1, said[::2], 3  # every other one is longer
    else:
        texts = (causes[owner] @ random.standard_normal((4, 6))).astype(np.float32)
        texts += noise * random.standard_normal(texts.shape).astype(np.float32)
    return TrainingSet(features=media, texts=texts, item_by_text=owner)


def linear(data, *, seed=0, dropout=0.0, dim=6):
    torch.manual_seed(seed)
    return JointModel(
        Projection(data.feature_dims, dim, dropout=dropout), SentenceTower(6, dim, dropout=dropout)
    )


def recurrent(data, *, seed=0, dropout=0.0, dim=6, bfloat16=False):
    torch.manual_seed(seed)
    text = GRUTower(WORDS, dim, word_dim=8, use_bfloat16=bfloat16)
    return JointModel(Projection(data.feature_dims, dim, dropout=dropout, hidden_dims=[16]), text)


def apart(data, *, seed=0, dropout=0.0, dim=6):
    torch.manual_seed(seed)
    media = {
        role: Projection({role: width}, dim, dropout=dropout) for role, width in data.feature_dims.items()
    }
    return SharedModel(media, SentenceTower(6, dim))


def training(data=None, model=None, **more):
    """A short run on a small world, unless told otherwise."""
    data = world() if data is None else data
    told = {"loss": LOSSES["vse"](), "schedule": SHORT, "seed": 0, **more}
    return Trainer(model=linear(data) if model is None else model, training_set=data, **told)


def weights(run):
    return {name: tensor.clone() for name, tensor in run.make_trainable_module().state_dict().items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def told(history):
    """All of a history but the seconds."""
    return [(e.number, e.loss, e.score, e.rate) for e in history.epochs], history.best, history.collapsed


def scored(*scores):
    """A judge that gives these scores in turn."""
    left = iter(scores)
    return lambda model: next(left)
