"""The audio head of affect: emotion of speech, affect of music, kind of sound, from acoustic features."""

from experiments.heads.audio_affect.evaluation import evaluate
from experiments.heads.audio_affect.train import LICENCE, TRAINING_DATA, fit_and_save

__all__ = ["LICENCE", "TRAINING_DATA", "evaluate", "fit_and_save"]
