"""The text head: valence and arousal of sentences and phrases, with a stated error."""

from experiments.heads.text.evaluation import evaluate
from experiments.heads.text.train import LICENCE, TRAINING_DATA, fit_and_save

__all__ = ["LICENCE", "TRAINING_DATA", "evaluate", "fit_and_save"]
