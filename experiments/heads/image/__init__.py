"""The image head: valence and arousal of pictures, trained on the ratings of OASIS."""

from experiments.heads.image.evaluation import evaluate
from experiments.heads.image.train import LICENCE, TRAINING_DATA, fit_and_save

__all__ = ["LICENCE", "TRAINING_DATA", "evaluate", "fit_and_save"]
