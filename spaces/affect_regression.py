"""What experts' rows say of valence and arousal, sense by sense, with a standard deviation each.

Rows of affect are (n, 4): valence, arousal, and the standard deviation of the error of each, all in units of
the circumplex of [-1, 1] (Russell 1980). A row of NaN abstains: no sound, no face, nothing said.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, MissingBackendError, Rows, is_missing_row, to_printable
from spaces.affect_regressor import Regressor, RegressorSet, load_regressors
from spaces.alignment import AlignmentMap, load_map
from spaces.base import Features
from spaces.circumplex import EmotionTable, load_emotion_categories, map_emotions_to_affect

Floats = npt.NDArray[np.float64]

AFFECT_COLUMNS = ("valence", "arousal", "valence_sd", "arousal_sd")
AFFECT_MODALITIES = ("image", "sound", "face", "text")
AUDIO_KINDS = ("speech", "music", "other")
MIN_FACE_CONFIDENCE = 0.1  # confidence from which a face says anything
MIN_SD = 0.02  # no model here is surer than that
SOFT_CLIP_KNEE = 0.5
"""Where `bound` begins to bend. On folds of OASIS' themes CCC is .589 and .596 so, .585 and .596 clipped; on
texts the same to three digits."""
log = logging.getLogger(__name__)
FACE_ROW_WIDTHS = (
    7,
    10,
)  # columns of fer's emotions, which lead a row of faces, and of all; confidence is the last
EXPRESSED_TABLE: EmotionTable = "expressed"  # of faces and voices, which show an emotion
AFFECT_VERSION = "affect-2"


@dataclass(frozen=True, kw_only=True, eq=False)
class AffectAlignment:
    """Affect of sound brought to the plane of pictures; see `retrieval.training.align_affect`.

    mapping: the map, whose source meets the target in the target's own coordinates
    sd_factors: factors on the SDs of valence and of arousal
    residual_sds: SD of what is left between aligned sound and pictures, held out; aligned sound is no surer
    affect_version: version of the affect that it was fitted on, without any alignment
    digest:   of its file
    """

    mapping: AlignmentMap
    sd_factors: tuple[float, float]
    residual_sds: tuple[float, float]
    affect_version: str = ""
    digest: str = ""

    def __call__(self, rows: Rows) -> Rows:
        """Rows (n, 4) of sound, aligned; NaN rows stay NaN."""
        points = soft_clip(self.mapping.project_source(rows[:, :2]))
        sds = np.maximum(rows[:, 2:] * np.array(self.sd_factors), np.maximum(self.residual_sds, MIN_SD))
        return np.concatenate([points, sds], axis=1).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class AffectModel:
    """The affect of items from raw rows by role.

    regressors: by sense, those whose encoders are at hand
    alignment:  from the plane of sound to that of pictures, where one was found to help
    """

    regressors: Mapping[str, RegressorSet]
    alignment: AffectAlignment | None = None

    @cached_property
    def version(self) -> str:
        """Changes when the same rows of media come to lie elsewhere on the plane."""
        tables = [load_emotion_categories(name, EXPRESSED_TABLE) for name in ("fer", "ravdess")]
        told = [str((table.means.tolist(), table.sds.tolist())) for table in tables]
        told += [f"{sense}={one.digest}" for sense, one in sorted(self.regressors.items()) if sense != "text"]
        told.append(load_modality_reliability().version_text)
        told += [self.alignment.digest] if self.alignment else []
        return f"{AFFECT_VERSION}-{hashlib.sha256(' '.join(told).encode()).hexdigest()[:12]}"

    def __call__(self, features: Features) -> dict[str, Rows]:
        """Rows (n, 4) of each sense that these features can tell of."""
        found: dict[str, Rows] = {}
        for sense in ("image", "text"):
            if self._can_predict(sense, "mean", features):
                one = self.regressors[sense]
                found[sense] = predict_mean_and_sd(one["mean"], one["log_sd"], features)
        if self._can_predict("sound", "kind", features):
            heard = self._predict_audio(self.regressors["sound"], features)
            found["sound"] = heard if self.alignment is None else self.alignment(heard)
        if "faces" in features and features["faces"].shape[1] == FACE_ROW_WIDTHS[1]:
            found["face"] = estimate_face_affect(features["faces"])
        return found

    def predict_audio_kind(self, features: Features) -> Rows | None:
        """(n, 3) probabilities of KINDS; None where no sound was heard or nobody can tell."""
        if not self._can_predict("sound", "kind", features):
            return None
        return softmax(self.regressors["sound"]["kind"](features))

    def predict_speech_emotion(self, features: Features) -> Rows | None:
        """(n, 8) probabilities of RAVDESS' emotions, whoever or whatever speaks; None as for `kinds`."""
        if not self._can_predict("sound", "speech_emotion", features):
            return None
        return softmax(self.regressors["sound"]["speech_emotion"](features))

    def predict_rater_sd(self, features: Features) -> Rows | None:
        """(n, 2) foretold standard deviation between people who rate the same picture; None without one."""
        if not self._can_predict("image", "disagreement", features):
            return None
        found = self.regressors["image"]["disagreement"](features)
        return np.asarray(np.maximum(found, 0), np.float32)

    def _can_predict(self, modality: str, member: str, features: Features) -> bool:
        """Whether a sense's regressor is at hand, and any of what it reads."""
        one = self.regressors.get(modality)
        return one is not None and any(role in features for role in one[member].roles)

    def _predict_audio(self, regressors: RegressorSet, features: Features) -> Rows:
        """Speech, music and other sounds, each as it is heard best, mixed by how likely it is each."""
        spoken = map_emotions_to_affect(
            softmax(regressors["speech_emotion"](features)), "ravdess", EXPRESSED_TABLE
        )
        music = predict_mean_and_sd(regressors["music"], regressors["music_log_sd"], features)
        other = predict_mean_and_sd(regressors["other"], regressors["other_log_sd"], features)
        return compute_mixture_moments(
            np.stack([spoken, music, other]), softmax(regressors["kind"](features))
        )


def soft_clip(values: npt.ArrayLike) -> Floats:
    """Values of any shape brought inside [-1, 1]: themselves up to KNEE, then bent by a hyperbolic tangent.

    Smooth at the knee, and rising: values beyond the edge keep their order, where clipping made them all 1.
    NaN stays NaN.
    """
    given = np.asarray(values, np.float64)
    room = 1 - SOFT_CLIP_KNEE
    beyond = np.maximum(np.abs(given) - SOFT_CLIP_KNEE, 0)
    return np.where(beyond > 0, np.sign(given) * (SOFT_CLIP_KNEE + room * np.tanh(beyond / room)), given)


def predict_mean_and_sd(mean_regressor: Regressor, log_sd_regressor: Regressor, features: Features) -> Rows:
    """Rows (n, 4) of a regressor of means (n, 2) and one of the logarithms of their SD."""
    means = soft_clip(mean_regressor(features))
    sds = np.exp(np.clip(log_sd_regressor(features), np.log(MIN_SD), 0))
    return np.concatenate([means, sds], axis=1).astype(np.float32)


def estimate_face_affect(face_rows: Rows) -> Rows:
    """Rows (n, 4) of rows of faces (n, 10): the less they can be read, the larger the SD.

    Small, turned or cut-off faces have little confidence: they say little, and not "neutral". Below READABLE
    they abstain.
    """
    read = map_emotions_to_affect(face_rows[:, : FACE_ROW_WIDTHS[0]], "fer", EXPRESSED_TABLE)
    sure = np.clip(face_rows[:, -1:], 0, 1)
    found = np.concatenate(
        [read[:, :2], read[:, 2:] / np.sqrt(np.maximum(sure, MIN_FACE_CONFIDENCE))], axis=1
    )
    found[sure[:, 0] < MIN_FACE_CONFIDENCE] = np.nan
    return found.astype(np.float32)


def compute_mixture_moments(
    components: npt.NDArray[np.floating], mixture_weights: npt.NDArray[np.floating]
) -> Rows:
    """(n, 4) mean and SD of a mixture of parts (k, n, 4) in shares (n, k); NaN where one part is.

    Moments as of any mixture: the variance is the mean of variances and the variance of means.
    """
    weights = np.asarray(mixture_weights, np.float64).T[:, :, None]  # (k, n, 1)
    means, sds = components[..., :2].astype(np.float64), components[..., 2:].astype(np.float64)
    mean = (weights * means).sum(axis=0)
    variance = (weights * (sds**2 + (means - mean) ** 2)).sum(axis=0)
    return np.concatenate([mean, np.sqrt(variance)], axis=1).astype(np.float32)


def average_estimates(rows: Rows, weights: npt.ArrayLike | None = None) -> Rows:
    """(4,) of one thing seen several times (n, 4): the mean, and a SD no smaller for seeing it often.

    Readings of neighbouring moments err alike, so nothing is gained by their number. NaN rows are left out,
    and NaN comes back where all are.
    """
    told = np.ones(len(rows)) if weights is None else np.asarray(weights, np.float64)
    here = ~is_missing_row(rows)
    if not here.any():
        return np.full(4, np.nan, np.float32)
    mean = np.average(rows[here, :2], axis=0, weights=told[here])
    sd = np.sqrt(np.average(rows[here, 2:].astype(np.float64) ** 2, axis=0, weights=told[here]))
    return np.concatenate([mean, sd]).astype(np.float32)


def softmax(logits: Rows) -> Rows:
    """(n, k) shares that sum to 1; NaN rows stay NaN."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@cache
def load_packaged_regressors() -> Mapping[str, RegressorSet]:
    """Regressors that come with this package, by sense."""
    folder = files("spaces") / "weights"
    places = {sense: Path(str(folder / f"affect-{sense}.safetensors")) for sense in AFFECT_MODALITIES}
    return {sense: load_regressors(place) for sense, place in places.items() if place.exists()}


@dataclass(frozen=True, kw_only=True)
class ModalityReliability:
    """How far senses can be believed, for `fusion.affect_fusion`: measured by
    experiments/heads/modality_reliability.py.

    reliability: by sense, a factor on the precision it states of valence and of arousal
    correlation: of two senses' errors, of valence and of arousal
    """

    reliability: Mapping[str, tuple[float, float]]
    correlation: tuple[float, float]

    @property
    def version_text(self) -> str:
        """Its part of the version of affect. Libraries hold a digest of it: its words must never change."""
        return f"Trust(reliability={self.reliability}, correlation={self.correlation})"


@cache
def load_modality_reliability() -> ModalityReliability:
    """As measured, from the packaged file. Raises MissingBackendError where it is lost."""
    try:
        told = json.loads((files("spaces") / "weights" / "affect-senses.json").read_text(encoding="utf-8"))
    except OSError as bad:
        raise MissingBackendError("spaces/weights/affect-senses.json is not here; install again") from bad
    return ModalityReliability(
        reliability={sense: (one[0], one[1]) for sense, one in told["reliability"].items()},
        correlation=(told["correlation"][0], told["correlation"][1]),
    )


def load_alignment(path: Path) -> AffectAlignment:
    """Read what `save_map` wrote with a `stretch` beside. Raises AffectError."""
    aligned, about = load_map(path)
    try:
        stretch, residual = (tuple(map(float, about[name])) for name in ("stretch", "residual"))
        if len(stretch) != 2 or len(residual) != 2:
            raise ValueError("a number for valence and one for arousal are wanted")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        made_for = str(about["made_for"])
    except (KeyError, IndexError, TypeError, ValueError, OSError) as bad:
        raise AffectError(
            f"{to_printable(path)}: no alignment of affect ({type(bad).__name__}: {bad})"
        ) from bad
    return AffectAlignment(
        mapping=aligned, sd_factors=(stretch[0], stretch[1]), residual_sds=(residual[0], residual[1]),
        affect_version=made_for, digest=digest,
    )  # fmt: skip


def _parse_encoder_name(signature: str) -> str:
    return signature.partition("/")[0]


def make_affect_model(
    get_signature: Callable[[str], str], alignment: AffectAlignment | None = None
) -> AffectModel:
    """With the packaged regressors that can read what encoders give here; others are left out.

    That is told of where it can't be meant: the same encoders in another version.

    get_signature: of the encoder in a role, empty where there is none
    alignment: left out as well where it was fitted on another affect
    """
    fitting = {}
    for sense, one in load_packaged_regressors().items():
        others = {
            role: get_signature(role)
            for role, made in one.encoder_signatures.items()
            if get_signature(role) != made
        }
        if not others:
            fitting[sense] = one
        elif all(
            _parse_encoder_name(here) == _parse_encoder_name(one.encoder_signatures[role])
            for role, here in others.items()
        ):
            told = ", ".join(
                f"{role} is {here}, not {one.encoder_signatures[role]}" for role, here in others.items()
            )
            log.warning("no affect of the sense %s: %s", sense, told)
    plain = AffectModel(regressors=fitting)
    if alignment is None:
        return plain
    if alignment.affect_version != plain.version:
        log.warning("the alignment of sound was fitted on another affect; run affect align again")
        return plain
    return replace(plain, alignment=alignment)
