"""Small training sets with holes, and models whose every weight was moved."""

import numpy as np
import torch

from spaces.joint.towers import JointModel, Projection, SentenceTower
from spaces.joint.training_set import TrainingSet

WIDTHS = {"objects": 6, "sound": 3}
DIM = 5


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def material(items=12, *, views=0, holes=True, seed=0):
    """Two texts an item; with holes, 1 has no objects, 2 no sound, 3 neither, 4 one NaN in its objects."""
    extra = (views,) if views else ()
    media = {role: 3 + 2 * normal(items, *extra, width, seed=seed + width) for role, width in WIDTHS.items()}
    if holes:
        media["objects"][[1, 3]] = np.nan
        media["sound"][[2, 3]] = np.nan
        media["objects"][4, ..., 2] = np.nan
    owner = np.arange(2 * items) % items
    return TrainingSet(features=media, texts=normal(2 * items, 4, seed=seed + 1), item_by_text=owner)


def shaken(module, seed=0):
    """Every weight moved, so that nothing is zero or equal by chance of its beginning."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return module


def joint(data, *, hidden=(), dropout=0.0, power=1.0):
    torch.manual_seed(0)
    media = Projection(data.feature_dims, DIM, dropout=dropout, hidden_dims=hidden, power=power)
    model = JointModel(media, SentenceTower(4, DIM, dropout=dropout))
    model.fit_standardisation(data)
    return shaken(model).eval()


def total(table, same):
    """A loss in which every pair of the table has a part."""
    return (table * torch.linspace(0.5, 2, table.numel()).reshape(table.shape)).sum()


def batch(data, texts):
    return data.make_batch(torch.tensor(texts), torch.Generator().manual_seed(0))
