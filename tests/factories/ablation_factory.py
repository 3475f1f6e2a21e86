"""A small data set for tests of ablations."""

import numpy as np

from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.settings import AblationSettings, apply_overrides
from experiments.ablation.space_spec import ROLES
from experiments.ablation.table_rows import OBJECT_SPACE
from experiments.ablation.trials import Trial

SMALL = apply_overrides(
    AblationSettings(),
    [
        "schedule.epochs=3",
        "schedule.warm=1",
        "schedule.batch=16",
        "heads.dim=12",
        "words.width=8",
        "schedule.patience=0",
    ],
)
TRIAL = Trial(space=OBJECT_SPACE.resolve(ROLES, "gru"), seed=1)


def make_data(items=50, captions=2, seed=0):
    """Objects and sound that each know a part of what captions say; every seventh item is silent."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(items, 6)).astype(np.float32)
    owner = np.repeat(np.arange(items), captions)
    words = 4 + 2 * np.arange(6) + (truth[owner] > 0)
    sound = truth[:, 3:] @ rng.normal(size=(3, 7)).astype(np.float32)
    sound[::7] = np.nan
    return PreparedData(
        features={"objects": truth[:, :3] @ rng.normal(size=(3, 9)).astype(np.float32), "sound": sound},
        texts={
            "gru": words.astype(np.int64),
            "sentence": truth[owner] + 0.1 * rng.normal(size=(len(owner), 6)).astype(np.float32),
        },
        caption_items=owner,
        item_splits=np.array([0, 0, 0, 1, 2] * (items // 5)),
        vocabulary_size=16,
    )


def unit(rng, *shape):
    """Random unit rows."""
    rows = rng.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
