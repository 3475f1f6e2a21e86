"""Joint spaces of media and text: towers, their training, and the trained heads in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spaces.lazy_exports import load_export

if TYPE_CHECKING:
    from spaces.joint.io import (
        load_heads,
        load_packaged_heads,
        save_heads,
    )
    from spaces.joint.kernel_ridge import (
        KernelRidgeConfig,
        TextProjection,
        fit_kernel_tower_pair,
        fit_text_projection,
    )
    from spaces.joint.ridge import fit_ridge_tower_pair
    from spaces.joint.space import (
        Heads,
        JointSpace,
        TextDomain,
        Tower,
        TowerPair,
    )
    from spaces.joint.towers import (
        GRUTower,
        JointModel,
        Projection,
        SentenceTower,
        SharedModel,
    )
    from spaces.joint.training import (
        Schedule,
        Trainer,
        TrainingHistory,
    )
    from spaces.joint.training_set import TrainingSet
    from spaces.joint.vocabulary import (
        Vocabulary,
        read_word_vectors,
        tokenise,
    )

__all__ = [
    "GRUTower",
    "Heads",
    "JointModel",
    "JointSpace",
    "KernelRidgeConfig",
    "Projection",
    "Schedule",
    "SentenceTower",
    "SharedModel",
    "TextDomain",
    "TextProjection",
    "Tower",
    "TowerPair",
    "Trainer",
    "TrainingHistory",
    "TrainingSet",
    "Vocabulary",
    "fit_kernel_tower_pair",
    "fit_ridge_tower_pair",
    "fit_text_projection",
    "load_heads",
    "load_packaged_heads",
    "read_word_vectors",
    "save_heads",
    "tokenise",
]
_MODULES = {
    "Heads": "space",
    "JointSpace": "space",
    "TextDomain": "space",
    "Tower": "space",
    "TowerPair": "space",
    "load_heads": "io",
    "load_packaged_heads": "io",
    "save_heads": "io",
    "fit_ridge_tower_pair": "ridge",
    "KernelRidgeConfig": "kernel_ridge",
    "TextProjection": "kernel_ridge",
    "fit_kernel_tower_pair": "kernel_ridge",
    "fit_text_projection": "kernel_ridge",
    "GRUTower": "towers",
    "JointModel": "towers",
    "Projection": "towers",
    "SentenceTower": "towers",
    "SharedModel": "towers",
    "Schedule": "training",
    "Trainer": "training",
    "TrainingHistory": "training",
    "TrainingSet": "training_set",
    "Vocabulary": "vocabulary",
    "read_word_vectors": "vocabulary",
    "tokenise": "vocabulary",
}


def __getattr__(name: str) -> Any:
    return load_export(__name__, _MODULES, name)
