"""Affect of texts by the shipped regressors."""

from encoders.base import encode_all
from experiments.heads.text.regressors import ROLE
from spaces.affect_regression import predict_mean_and_sd


def felt(encoder, regressors, texts):
    """(n, 4) valence, arousal and their standard deviations."""
    return predict_mean_and_sd(regressors["mean"], regressors["log_sd"], {ROLE: encode_all(encoder, texts)})
