"""Training on a library's own captions: custom heads, and the alignment of audio with image affect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spaces.lazy_exports import load_export

if TYPE_CHECKING:
    from retrieval.training.align_affect import (
        AlignmentOutcome,
        cross_validate_alignment,
        install_alignment,
        prepare_anchors,
        remove_alignment,
    )
    from retrieval.training.captions_csv import (
        CaptionedFile,
        read_captions,
    )
    from retrieval.training.cross_validation import (
        FittedHeads,
        fit_heads,
    )
    from retrieval.training.ensemble import (
        EnsembleConfig,
        TrainingData,
    )
    from retrieval.training.train_heads import (
        install_better_heads,
        restore_packaged_heads,
        train_space,
        train_spaces,
    )
    from retrieval.training.training_data import (
        LibraryTrainingData,
        make_training_data,
        prepare_training_data,
    )
    from retrieval.training.training_outcome import TrainingOutcome

__all__ = [
    "AlignmentOutcome",
    "CaptionedFile",
    "EnsembleConfig",
    "FittedHeads",
    "LibraryTrainingData",
    "TrainingData",
    "TrainingOutcome",
    "cross_validate_alignment",
    "fit_heads",
    "install_alignment",
    "install_better_heads",
    "make_training_data",
    "prepare_anchors",
    "prepare_training_data",
    "read_captions",
    "remove_alignment",
    "restore_packaged_heads",
    "train_space",
    "train_spaces",
]
_MODULES = {
    "AlignmentOutcome": "align_affect",
    "cross_validate_alignment": "align_affect",
    "install_alignment": "align_affect",
    "prepare_anchors": "align_affect",
    "remove_alignment": "align_affect",
    "CaptionedFile": "captions_csv",
    "read_captions": "captions_csv",
    "FittedHeads": "cross_validation",
    "fit_heads": "cross_validation",
    "EnsembleConfig": "ensemble",
    "TrainingData": "ensemble",
    "install_better_heads": "train_heads",
    "restore_packaged_heads": "train_heads",
    "train_space": "train_heads",
    "train_spaces": "train_heads",
    "LibraryTrainingData": "training_data",
    "make_training_data": "training_data",
    "prepare_training_data": "training_data",
    "TrainingOutcome": "training_outcome",
}


def __getattr__(name: str) -> Any:
    return load_export(__name__, _MODULES, name)
