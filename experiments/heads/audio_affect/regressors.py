"""The regressors of the audio head, with temperatures and SDs from predictions on held-out groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from encoders import ENCODERS
from experiments.heads.audio_affect.clips import (
    EMOTIONS,
    ENCODER_NAME,
    KINDS,
    ROLE,
    AudioClips,
    Floats,
    select_rated_music,
    select_speech,
    select_unrated_music,
)
from experiments.heads.audio_affect.networks import scale_outputs
from experiments.heads.audio_affect.towers import (
    fit_kind_towers,
    fit_music_towers,
    fit_other_tower,
    fit_speech_towers,
    make_constant_tower,
)
from experiments.heads.classification import compute_balanced_weights, fit_temperature, one_hot
from retrieval.evaluation import make_group_folds
from spaces import Regressor, RegressorSet
from spaces.circumplex import PRIOR_SD
from spaces.joint import Tower

N_FOLDS = 5
ONE_SD_COVERAGE = 0.6827  # of a normal distribution within one SD

FitTowers = Callable[[AudioClips], tuple[Tower, ...]]
Ints = npt.NDArray[np.int64]


def fit_regressors(clips: AudioClips, *, seed: int) -> RegressorSet:
    """All regressors: speech_emotion, kind, music, other, and the log SDs of the latter two."""
    held_out = cross_validate(clips, seed=seed)
    speech, music = select_speech(clips), select_rated_music(clips)
    speech_temperature = fit_temperature(held_out["speech_emotion"], one_hot(speech.labels, EMOTIONS))
    kind_temperature = fit_temperature(
        held_out["kind"], one_hot(clips.kinds, KINDS), compute_balanced_weights(clips.kinds)
    )
    music_sd = estimate_error_sd(held_out["music"], music.affect)
    members = {
        "speech_emotion": scale_outputs(fit_speech_towers(clips, seed=seed), 1 / speech_temperature),
        "kind": scale_outputs(fit_kind_towers(clips, seed=seed), 1 / kind_temperature),
        "music": fit_music_towers(music, select_unrated_music(clips)),
        "music_log_sd": (make_constant_tower(clips, np.log(music_sd)),),
        "other": (fit_other_tower(clips),),
        "other_log_sd": (make_constant_tower(clips, np.log(PRIOR_SD)),),
    }
    return RegressorSet(
        members={name: Regressor(towers=towers) for name, towers in members.items()},
        encoder_signatures={ROLE: ENCODERS.make(ENCODER_NAME).card.signature},
        metadata={
            "speech_emotion": list(EMOTIONS),
            "kind": list(KINDS),
            "temperatures": {"speech_emotion": speech_temperature, "kind": kind_temperature},
        },
    )


def cross_validate(clips: AudioClips, *, seed: int) -> dict[str, Floats]:
    """By regressor, predictions for speech, rated music and all clips by models trained on other groups.

    Logits are not calibrated.
    """
    unrated = select_unrated_music(clips)
    return {
        "speech_emotion": predict_held_out(
            select_speech(clips), lambda part: fit_speech_towers(part, seed=seed), seed=seed
        ),
        "music": predict_held_out(
            select_rated_music(clips), lambda part: fit_music_towers(part, unrated), seed=seed
        ),
        "kind": predict_held_out(clips, lambda part: fit_kind_towers(part, seed=seed), seed=seed),
    }


def predict_held_out(clips: AudioClips, fit_towers: FitTowers, *, seed: int) -> Floats:
    """(n, k) predictions for each plain clip by towers trained on other groups."""
    predictions: list[tuple[Ints, Floats]] = []
    for held_out, rest in split_folds(clips, seed):
        model = Regressor(towers=fit_towers(clips.select(rest)))
        predictions.append((held_out, model({ROLE: clips.features[held_out, 0]}).astype(np.float64)))
    indices = np.concatenate([held_out for held_out, _ in predictions])
    return np.concatenate([rows for _, rows in predictions])[np.argsort(indices)]


def split_folds(clips: AudioClips, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Indices held out and all others, fold by fold; groups stay whole."""
    for held_out in make_group_folds(clips.groups.tolist(), N_FOLDS, seed):
        yield held_out, np.setdiff1d(np.arange(len(clips.kinds)), held_out)


def estimate_error_sd(predictions: Floats, truth: Floats) -> Floats:
    """(k,) the distance within which as many errors lie as within one SD of a normal distribution."""
    return np.asarray(np.quantile(np.abs(predictions - truth), ONE_SD_COVERAGE, axis=0))
