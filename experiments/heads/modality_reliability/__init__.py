"""How reliable the affect of each modality is, estimated where two modalities show the same thing."""

from experiments.heads.modality_reliability.evaluation import evaluate
from experiments.heads.modality_reliability.train import LICENCE, TRAINING_DATA, fit_and_save

__all__ = ["LICENCE", "TRAINING_DATA", "evaluate", "fit_and_save"]
