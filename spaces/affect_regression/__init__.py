"""Valence and arousal of each modality with a standard deviation, from the features of encoders."""

from spaces.affect_regression.affect_alignment import AffectAlignment, load_alignment
from spaces.affect_regression.audio_kinds import AUDIO_KINDS
from spaces.affect_regression.estimates import (
    AFFECT_COLUMNS,
    MIN_SD,
    average_estimates,
    compute_mixture_moments,
    estimate_face_affect,
    predict_mean_and_sd,
    soft_clip,
    widen_sds,
)
from spaces.affect_regression.event_affect import EVENT_AFFECT_FILE, EventAffect, load_event_affect
from spaces.affect_regression.modality_reliability import ModalityReliability, load_modality_reliability
from spaces.affect_regression.model import (
    AFFECT_MODALITIES,
    AffectModel,
    load_packaged_regressors,
    make_affect_model,
)

__all__ = [
    "AFFECT_COLUMNS",
    "AFFECT_MODALITIES",
    "AUDIO_KINDS",
    "EVENT_AFFECT_FILE",
    "MIN_SD",
    "AffectAlignment",
    "AffectModel",
    "EventAffect",
    "ModalityReliability",
    "average_estimates",
    "compute_mixture_moments",
    "estimate_face_affect",
    "load_alignment",
    "load_event_affect",
    "load_modality_reliability",
    "load_packaged_regressors",
    "make_affect_model",
    "predict_mean_and_sd",
    "soft_clip",
    "widen_sds",
]
