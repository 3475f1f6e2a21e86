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

from encoders.base import AffectError, MissingBackend, Rows, missing, printable
from spaces.affect_regressor import Regressor, Regressors, load_regressors
from spaces.alignment import Aligned, load_map
from spaces.base import Features
from spaces.circumplex import Table, categories, from_categories

Floats = npt.NDArray[np.float64]

COLUMNS = ("valence", "arousal", "valence_sd", "arousal_sd")
SENSES = ("image", "sound", "face", "text")
KINDS = ("speech", "music", "other")
READABLE = 0.1  # confidence from which a face says anything
LEAST_SD = 0.02  # no model here is surer than that
KNEE = 0.5
"""Where `bound` begins to bend. On folds of OASIS' themes CCC is .589 and .596 so, .585 and .596 clipped; on
texts the same to three digits."""
log = logging.getLogger(__name__)
FACES = (7, 10)  # columns of fer's emotions, which lead a row of faces, and of all; confidence is the last
EXPRESSED: Table = "expressed"  # of faces and voices, which show an emotion
VERSION = "affect-2"


@dataclass(frozen=True, kw_only=True, eq=False)
class Alignment:
    """Affect of sound brought to the plane of pictures; see `retrieval.training.align_affect`.

    aligned: the map, whose source meets the target in the target's own coordinates
    stretch:  factors on the SDs of valence and of arousal
    residual: SD of what is left between aligned sound and pictures, held out; aligned sound is no surer
    made_for: version of the affect that it was fitted on, without any alignment
    digest:   of its file
    """

    aligned: Aligned
    stretch: tuple[float, float]
    residual: tuple[float, float]
    made_for: str = ""
    digest: str = ""

    def __call__(self, rows: Rows) -> Rows:
        """Rows (n, 4) of sound, aligned; NaN rows stay NaN."""
        points = bound(self.aligned.meet_source(rows[:, :2]))
        sds = np.maximum(rows[:, 2:] * np.array(self.stretch), np.maximum(self.residual, LEAST_SD))
        return np.concatenate([points, sds], axis=1).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Affect:
    """The affect of items from raw rows by role.

    regressors: by sense, those whose encoders are at hand
    alignment:  from the plane of sound to that of pictures, where one was found to help
    """

    regressors: Mapping[str, Regressors]
    alignment: Alignment | None = None

    @cached_property
    def version(self) -> str:
        """Changes when the same rows of media come to lie elsewhere on the plane."""
        tables = [categories(name, EXPRESSED) for name in ("fer", "ravdess")]
        told = [str((table.means.tolist(), table.sds.tolist())) for table in tables]
        told += [f"{sense}={one.digest}" for sense, one in sorted(self.regressors.items()) if sense != "text"]
        told.append(str(trust()))
        told += [self.alignment.digest] if self.alignment else []
        return f"{VERSION}-{hashlib.sha256(' '.join(told).encode()).hexdigest()[:12]}"

    def __call__(self, features: Features) -> dict[str, Rows]:
        """Rows (n, 4) of each sense that these features can tell of."""
        found: dict[str, Rows] = {}
        for sense in ("image", "text"):
            if self._reads(sense, "mean", features):
                one = self.regressors[sense]
                found[sense] = stated(one["mean"], one["log_sd"], features)
        if self._reads("sound", "kind", features):
            heard = self._sound(self.regressors["sound"], features)
            found["sound"] = heard if self.alignment is None else self.alignment(heard)
        if "faces" in features and features["faces"].shape[1] == FACES[1]:
            found["face"] = of_faces(features["faces"])
        return found

    def kinds(self, features: Features) -> Rows | None:
        """(n, 3) probabilities of KINDS; None where no sound was heard or nobody can tell."""
        if not self._reads("sound", "kind", features):
            return None
        return softmax(self.regressors["sound"]["kind"](features))

    def speech(self, features: Features) -> Rows | None:
        """(n, 8) probabilities of RAVDESS' emotions, whoever or whatever speaks; None as for `kinds`."""
        if not self._reads("sound", "speech_emotion", features):
            return None
        return softmax(self.regressors["sound"]["speech_emotion"](features))

    def disagreement(self, features: Features) -> Rows | None:
        """(n, 2) foretold standard deviation between people who rate the same picture; None without one."""
        if not self._reads("image", "disagreement", features):
            return None
        found = self.regressors["image"]["disagreement"](features)
        return np.asarray(np.maximum(found, 0), np.float32)

    def _reads(self, sense: str, member: str, features: Features) -> bool:
        """Whether a sense's regressor is at hand, and any of what it reads."""
        one = self.regressors.get(sense)
        return one is not None and any(role in features for role in one[member].roles)

    def _sound(self, sound: Regressors, features: Features) -> Rows:
        """Speech, music and other sounds, each as it is heard best, mixed by how likely it is each."""
        spoken = from_categories(softmax(sound["speech_emotion"](features)), "ravdess", EXPRESSED)
        music = stated(sound["music"], sound["music_log_sd"], features)
        other = stated(sound["other"], sound["other_log_sd"], features)
        return mixture(np.stack([spoken, music, other]), softmax(sound["kind"](features)))


def bound(values: npt.ArrayLike) -> Floats:
    """Values of any shape brought inside [-1, 1]: themselves up to KNEE, then bent by a hyperbolic tangent.

    Smooth at the knee, and rising: values beyond the edge keep their order, where clipping made them all 1.
    NaN stays NaN.
    """
    given = np.asarray(values, np.float64)
    room = 1 - KNEE
    beyond = np.maximum(np.abs(given) - KNEE, 0)
    return np.where(beyond > 0, np.sign(given) * (KNEE + room * np.tanh(beyond / room)), given)


def stated(mean: Regressor, log_sd: Regressor, features: Features) -> Rows:
    """Rows (n, 4) of a regressor of means (n, 2) and one of the logarithms of their SD."""
    means = bound(mean(features))
    sds = np.exp(np.clip(log_sd(features), np.log(LEAST_SD), 0))
    return np.concatenate([means, sds], axis=1).astype(np.float32)


def of_faces(rows: Rows) -> Rows:
    """Rows (n, 4) of rows of faces (n, 10): the less they can be read, the larger the SD.

    Small, turned or cut-off faces have little confidence: they say little, and not "neutral". Below READABLE
    they abstain.
    """
    read = from_categories(rows[:, : FACES[0]], "fer", EXPRESSED)
    sure = np.clip(rows[:, -1:], 0, 1)
    found = np.concatenate([read[:, :2], read[:, 2:] / np.sqrt(np.maximum(sure, READABLE))], axis=1)
    found[sure[:, 0] < READABLE] = np.nan
    return found.astype(np.float32)


def mixture(parts: npt.NDArray[np.floating], shares: npt.NDArray[np.floating]) -> Rows:
    """(n, 4) mean and SD of a mixture of parts (k, n, 4) in shares (n, k); NaN where one part is.

    Moments as of any mixture: the variance is the mean of variances and the variance of means.
    """
    weights = np.asarray(shares, np.float64).T[:, :, None]  # (k, n, 1)
    means, sds = parts[..., :2].astype(np.float64), parts[..., 2:].astype(np.float64)
    mean = (weights * means).sum(axis=0)
    variance = (weights * (sds**2 + (means - mean) ** 2)).sum(axis=0)
    return np.concatenate([mean, np.sqrt(variance)], axis=1).astype(np.float32)


def average(rows: Rows, weights: npt.ArrayLike | None = None) -> Rows:
    """(4,) of one thing seen several times (n, 4): the mean, and a SD no smaller for seeing it often.

    Readings of neighbouring moments err alike, so nothing is gained by their number. NaN rows are left out,
    and NaN comes back where all are.
    """
    told = np.ones(len(rows)) if weights is None else np.asarray(weights, np.float64)
    here = ~missing(rows)
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
def packaged_regressors() -> Mapping[str, Regressors]:
    """Regressors that come with this package, by sense."""
    folder = files("spaces") / "weights"
    places = {sense: Path(str(folder / f"affect-{sense}.safetensors")) for sense in SENSES}
    return {sense: load_regressors(place) for sense, place in places.items() if place.exists()}


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How far senses can be believed, for `fusion.affect_fusion`: measured by experiments/heads/modality_reliability.py.

    reliability: by sense, a factor on the precision it states of valence and of arousal
    correlation: of two senses' errors, of valence and of arousal
    """

    reliability: Mapping[str, tuple[float, float]]
    correlation: tuple[float, float]


@cache
def trust() -> Trust:
    """As measured, from the file that comes with this package. Raises MissingBackend where it is lost."""
    try:
        told = json.loads((files("spaces") / "weights" / "affect-senses.json").read_text(encoding="utf-8"))
    except OSError as bad:
        raise MissingBackend("spaces/weights/affect-senses.json is not here; install again") from bad
    return Trust(
        reliability={sense: (one[0], one[1]) for sense, one in told["reliability"].items()},
        correlation=(told["correlation"][0], told["correlation"][1]),
    )


def load_alignment(file: Path) -> Alignment:
    """Read what `save_map` wrote with a `stretch` beside. Raises AffectError."""
    aligned, about = load_map(file)
    try:
        stretch, residual = (tuple(map(float, about[name])) for name in ("stretch", "residual"))
        if len(stretch) != 2 or len(residual) != 2:
            raise ValueError("a number for valence and one for arousal are wanted")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        made_for = str(about["made_for"])
    except (KeyError, IndexError, TypeError, ValueError, OSError) as bad:
        raise AffectError(f"{printable(file)}: no alignment of affect ({type(bad).__name__}: {bad})") from bad
    return Alignment(
        aligned=aligned, stretch=(stretch[0], stretch[1]), residual=(residual[0], residual[1]),
        made_for=made_for, digest=digest,
    )  # fmt: skip


def _name(signature: str) -> str:
    return signature.partition("/")[0]


def affect_of(signature: Callable[[str], str], alignment: Alignment | None = None) -> Affect:
    """With the packaged regressors that can read what encoders give here; others are left out.

    That is told of where it can't be meant: the same encoders in another version.

    signature: of the encoder in a role, empty where there is none
    alignment: left out as well where it was fitted on another affect
    """
    fitting = {}
    for sense, one in packaged_regressors().items():
        others = {role: signature(role) for role, made in one.encoders.items() if signature(role) != made}
        if not others:
            fitting[sense] = one
        elif all(_name(here) == _name(one.encoders[role]) for role, here in others.items()):
            told = ", ".join(f"{role} is {here}, not {one.encoders[role]}" for role, here in others.items())
            log.warning("no affect of the sense %s: %s", sense, told)
    plain = Affect(regressors=fitting)
    if alignment is None:
        return plain
    if alignment.made_for != plain.version:
        log.warning("the alignment of sound was fitted on another affect; run affect align again")
        return plain
    return replace(plain, alignment=alignment)
