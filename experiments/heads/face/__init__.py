"""The face head: expressions of faces, trained on labelled photos and film stills."""

from experiments.heads.face.evaluation import evaluate
from experiments.heads.face.train import LICENCE, TRAINING_DATA, fit_and_save

__all__ = ["LICENCE", "TRAINING_DATA", "evaluate", "fit_and_save"]
