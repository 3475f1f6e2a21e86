"""The affect model: valence and arousal of each modality from the raw features of the encoders."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from scipy.special import softmax

from encoders import FACE_COLUMNS, Rows
from spaces.affect_regression.affect_alignment import AffectAlignment
from spaces.affect_regression.audio_kinds import AUDIO_KINDS, estimate_audio_kinds, has_event_scores
from spaces.affect_regression.estimates import (
    EXPRESSED_TABLE,
    compute_mixture_moments,
    estimate_face_affect,
    predict_mean_and_sd,
)
from spaces.affect_regression.event_affect import EventAffect, load_event_affect, weigh_events
from spaces.affect_regression.modality_reliability import load_modality_reliability
from spaces.base import Features
from spaces.circumplex import load_emotion_categories, map_emotions_to_affect
from spaces.tower_regressor import RegressorSet, load_regressors

AFFECT_MODALITIES = ("image", "sound", "face", "text")
AFFECT_VERSION = "affect-3"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class AffectModel:
    """Affect of items from raw rows by role.

    regressors: by modality, those whose encoders are available
    event_affect: of the sound events heard in sounds that are neither speech nor music; without it, or
                  without scores of events, a regressor estimates those from acoustic cues
    alignment:  from audio affect to image affect, where one improved the agreement
    """

    regressors: Mapping[str, RegressorSet]
    event_affect: EventAffect | None = None
    alignment: AffectAlignment | None = None

    @cached_property
    def version(self) -> str:
        """Changes when the same rows of media get another affect."""
        tables = [load_emotion_categories(name, EXPRESSED_TABLE) for name in ("fer", "ravdess")]
        parts = [str((table.means.tolist(), table.sds.tolist())) for table in tables]
        parts += [f"{name}={file.digest}" for name, file in sorted(self.regressors.items()) if name != "text"]
        parts.append(load_modality_reliability().version_text)
        parts += [f"events={self.event_affect.digest}"] if self.event_affect else []
        parts += [self.alignment.digest] if self.alignment else []
        return f"{AFFECT_VERSION}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"

    @property
    def text_corpus_sd(self) -> tuple[float, float]:
        """SD between corpora of texts of their mean error, valence and arousal; 0 where none is stated."""
        text = self.regressors.get("text")
        valence, arousal = (0.0, 0.0) if text is None else text.metadata.get("corpus_sd", (0.0, 0.0))
        return float(valence), float(arousal)

    def __call__(self, features: Features) -> dict[str, Rows]:
        """Affect rows (n, 4) of each modality that these features allow."""
        estimates: dict[str, Rows] = {}
        for modality in ("image", "text"):
            if self._can_predict(modality, "mean", features):
                regressors = self.regressors[modality]
                estimates[modality] = predict_mean_and_sd(regressors["mean"], regressors["log_sd"], features)
        if self._can_predict("sound", "kind", features):
            audio = self._predict_audio(self.regressors["sound"], features)
            estimates["sound"] = audio if self.alignment is None else self.alignment(audio)
        if "faces" in features and features["faces"].shape[1] == len(FACE_COLUMNS):
            estimates["face"] = estimate_face_affect(features["faces"])
        return estimates

    def predict_audio_kind(self, features: Features) -> Rows | None:
        """(n, 3) probabilities of AUDIO_KINDS; None without audio features or without their regressor."""
        if not self._can_predict("sound", "kind", features):
            return None
        return _predict_kinds(self.regressors["sound"], features)

    def weigh_sound_events(self, features: Features) -> Rows | None:
        """(n, classes) share of each class of sound in the affect of a sound; None where events give none.

        A row adds up to the probability that the sound is neither speech nor music, less the prior's share.
        """
        kinds, scores = self.predict_audio_kind(features), _get_event_scores(features)
        if kinds is None or scores is None or self.event_affect is None:
            return None
        other = kinds[:, AUDIO_KINDS.index("other"), None]
        return np.asarray(other * weigh_events(scores), np.float32)

    def predict_speech_emotion(self, features: Features) -> Rows | None:
        """(n, 8) probabilities of RAVDESS' emotions, of any audio; None as for `predict_audio_kind`."""
        if not self._can_predict("sound", "speech_emotion", features):
            return None
        return _predict_classes(self.regressors["sound"], "speech_emotion", features)

    def predict_rater_sd(self, features: Features) -> Rows | None:
        """(n, 2) predicted standard deviation between raters of an image; None without image features."""
        if not self._can_predict("image", "disagreement", features):
            return None
        sds = self.regressors["image"]["disagreement"](features)
        return np.asarray(np.maximum(sds, 0), np.float32)

    def _can_predict(self, modality: str, member: str, features: Features) -> bool:
        """Whether a modality's regressor is available, and features of any of its roles."""
        regressors = self.regressors.get(modality)
        return regressors is not None and any(role in features for role in regressors[member].roles)

    def _predict_audio(self, regressors: RegressorSet, features: Features) -> Rows:
        """The mixture of the estimates for speech, music and other audio, by the probability of each kind."""
        emotions = _predict_classes(regressors, "speech_emotion", features)
        speech = map_emotions_to_affect(emotions, "ravdess", EXPRESSED_TABLE)
        music = predict_mean_and_sd(regressors["music"], regressors["music_log_sd"], features)
        other = self._predict_other_audio(regressors, features)
        kinds = _predict_kinds(regressors, features)
        return compute_mixture_moments(np.stack([speech, music, other]), kinds)

    def _predict_other_audio(self, regressors: RegressorSet, features: Features) -> Rows:
        """Affect rows (n, 4) of audio that is neither: by sound events where they are known, else by cues."""
        by_cues = predict_mean_and_sd(regressors["other"], regressors["other_log_sd"], features)
        scores = _get_event_scores(features)
        if scores is None or self.event_affect is None:
            return by_cues
        by_events = self.event_affect.estimate(scores)
        return np.where(np.isnan(by_events), by_cues, by_events)


def _get_event_scores(features: Features) -> Rows | None:
    """(n, CLASS_COUNT) scores of sound events; None without an encoder of AudioSet's classes."""
    events = features.get("events")
    return events if events is not None and has_event_scores(events) else None


def _predict_kinds(regressors: RegressorSet, features: Features) -> Rows:
    """(n, 3) probabilities of AUDIO_KINDS: by sound events where they are known, else by their regressor."""
    events = _get_event_scores(features)
    if events is None:
        return _predict_classes(regressors, "kind", features)
    by_events = estimate_audio_kinds(events)
    is_missing = np.isnan(by_events)
    if not is_missing.any():
        return by_events
    return np.where(is_missing, _predict_classes(regressors, "kind", features), by_events)


def _predict_classes(regressors: RegressorSet, member: str, features: Features) -> Rows:
    """(n, k) class probabilities from a regressor of logits; NaN rows stay NaN."""
    return np.asarray(softmax(regressors[member](features), axis=1), np.float32)


@cache
def load_packaged_regressors() -> Mapping[str, RegressorSet]:
    """The regressors in spaces/weights, by modality."""
    folder = files("spaces") / "weights"
    paths = {modality: Path(str(folder / f"affect-{modality}.safetensors")) for modality in AFFECT_MODALITIES}
    return {modality: load_regressors(path) for modality, path in paths.items() if path.exists()}


def make_affect_model(
    get_signature: Callable[[str], str], alignment: AffectAlignment | None = None
) -> AffectModel:
    """An affect model of the packaged regressors that were trained on these encoders.

    Others are left out, with a warning where only the version of an encoder differs.

    get_signature: of the encoder in a role, empty where there is none
    alignment: left out, with a warning, where it was fitted on another affect model
    """
    fitting = {}
    for modality, regressors in load_packaged_regressors().items():
        trained_on = regressors.encoder_signatures
        differing = {
            role: get_signature(role) for role in trained_on if get_signature(role) != trained_on[role]
        }
        if not differing:
            fitting[modality] = regressors
        elif all(
            _parse_encoder_name(signature) == _parse_encoder_name(trained_on[role])
            for role, signature in differing.items()
        ):
            details = ", ".join(
                f"{role} is {signature}, not {trained_on[role]}" for role, signature in differing.items()
            )
            log.warning("no affect of the sense %s: %s", modality, details)
    unaligned = AffectModel(
        regressors=fitting, event_affect=load_event_affect() if "sound" in fitting else None
    )
    if alignment is None:
        return unaligned
    if alignment.affect_version != unaligned.version:
        log.warning("the alignment of sound was fitted on another affect; run affect align again")
        return unaligned
    return replace(unaligned, alignment=alignment)


def _parse_encoder_name(signature: str) -> str:
    return signature.partition("/")[0]
