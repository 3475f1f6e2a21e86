"""Acoustic features of affect: pitch, spectrum, rhythm, harmony and voice quality."""

from encoders.acoustic.features import (
    AcousticEncoder,
    compute_acoustic_features,
    compute_feature_groups,
    split_sliding_windows,
)

__all__ = ["AcousticEncoder", "compute_acoustic_features", "compute_feature_groups", "split_sliding_windows"]
