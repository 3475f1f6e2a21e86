"""Photos, music and voices by a text that names their mood ("a sad picture", "happy music").

The affect of the rated items is that of their gallery, whose heads learnt from others. Sounds are among
sounds of things, and words are compared with them through the classes of sound events alone: the packaged
heads learnt from these sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, EventClassifier
from experiments.affect_dial.gallery import Gallery, open_gallery
from experiments.affect_dial.held_out_pipeline import HeldOutPipeline
from experiments.datasets.sounds_by_word import load_sounds_by_word
from experiments.features.extraction import encode_items
from experiments.mood_queries.rated_items import DRAWS, gallery_groups, score_items
from retrieval.evaluation import bootstrap_estimate
from retrieval.features import EVENTS_ROLE, FeaturePipeline, PipelineConfig
from spaces.circumplex import LANDMARKS, distance

Floats = npt.NDArray[np.float64]

NAMED_MOODS = {
    "oasis": ("a picture", {
        "happy": "happy", "cheerful": "happy", "exciting": "excited", "angry": "angry", "scary": "afraid",
        "tense": "tense", "sad": "sad", "gloomy": "gloomy", "calm": "calm", "relaxing": "relaxed",
    }),
    "vgmidi": ("music", {
        "happy": "happy", "cheerful": "happy", "exciting": "excited", "angry": "angry", "scary": "afraid",
        "tense": "tense", "sad": "sad", "gloomy": "gloomy", "calm": "calm", "relaxing": "relaxed",
    }),
    "ravdess": ("a voice", {
        "happy": "happy", "angry": "angry", "fearful": "afraid", "sad": "sad", "calm": "calm",
    }),
}  # fmt: skip
"""By gallery: the noun, and words of mood with the landmark near which the items asked for lie."""
READINGS: tuple[Mapping[str, float], ...] = ({}, {"affect": 0.0})  # as the engine reads a text; words alone
DEPTH = 10
MUSICAL_SCORE = 0.3  # of the class "Music" from which an unrated sound may be music and is left out


@dataclass(frozen=True, kw_only=True, eq=False)
class _Outcomes:
    """Of n items by q texts.

    scores:    (n, q, readings)
    distances: (n, q) of the rating to the mood, NaN for the other sounds
    groups:    (n,) of items, resampled as wholes
    """

    scores: Floats
    distances: Floats
    groups: npt.NDArray[np.str_]


def measure_named_moods(gallery: Gallery, data_root: Path, seed: int) -> dict[str, dict[str, Any]]:
    """By measure: rated distance of the first ten to the mood, and of sounds the share that is music (a
    voice); each beside the same search by the words alone. Raises AffectError without sounds of things.
    """
    noun, moods = NAMED_MOODS[gallery.name]
    if gallery.modality != "audio":
        return {"rated distance": _summarise(_search(gallery, noun, moods), _average_distance, seed)}
    outcomes = _search(_add_other_sounds(gallery, data_root), noun, moods)
    return {
        "rated distance": _summarise(outcomes, _average_distance, seed),
        f"share of the first ten that is {noun}": _summarise(outcomes, _average_share, seed),
    }


def _search(gallery: Gallery, noun: str, moods: Mapping[str, str]) -> _Outcomes:
    points = np.array([LANDMARKS[landmark] for landmark in moods.values()])
    article, _, name = noun.rpartition(" ")
    texts = [f"{article} {mood} {name}".strip() for mood in moods]
    with open_gallery(gallery) as engine:
        scores = [
            score_items(engine, gallery, [{"text": text, **reading} for text in texts])
            for reading in READINGS
        ]
    return _Outcomes(
        scores=np.stack(scores, axis=2),
        distances=distance(gallery.affect[:, None], points),
        groups=gallery_groups(gallery),
    )


def _add_other_sounds(gallery: Gallery, data_root: Path) -> Gallery:
    """The gallery with the sounds of things beside it, and an encoder of text; the affect of those by the
    packaged heads. Raises AffectError where there are none."""
    config = PipelineConfig(objects="", activity="", faces="")
    sounds = load_sounds_by_word(data_root)
    if not sounds:
        raise AffectError(f"{data_root}: sounds_by_word has no sound")
    pipeline = FeaturePipeline(config)
    features = encode_items(pipeline, [(sound.path,) for sound in sounds]).mean_pool(len(sounds))
    classifier = pipeline.get_encoder(EVENTS_ROLE)
    assert isinstance(classifier, EventClassifier)
    is_other = ~(features[EVENTS_ROLE][:, classifier.classes.index("Music")] >= MUSICAL_SCORE)
    others = {role: rows[is_other] for role, rows in features.items()}
    own = np.concatenate([
        gallery.pipeline.estimate_affect_by_modality(gallery.features)["sound"],
        pipeline.estimate_affect_by_modality(others)["sound"],
    ])  # fmt: skip
    joined = {role: np.concatenate([gallery.features[role], rows]) for role, rows in others.items()}
    return replace(
        gallery,
        pipeline=HeldOutPipeline(config, "sound", "tone", joined["tone"], own, use_packaged=False),
        features=joined,
        affect=np.concatenate([gallery.affect, np.full((int(is_other.sum()), 2), np.nan)]),
    )


def _summarise(outcomes: _Outcomes, measure: Callable[[Floats, int], float], seed: int) -> dict[str, Any]:
    values = np.concatenate([outcomes.scores, outcomes.distances[:, :, None]], axis=2)

    def compute_gain(rows: Floats) -> float:
        return measure(rows, 0) - measure(rows, 1)

    return {
        "of": values.shape[1],
        "value": bootstrap_estimate(
            values, lambda rows: measure(rows, 0), seed=seed, draws=DRAWS, groups=outcomes.groups
        ),
        "beside": measure(values, 1),
        "difference": bootstrap_estimate(
            values, compute_gain, seed=seed, draws=DRAWS, groups=outcomes.groups
        ),
    }


def _average_distance(values: Floats, reading: int) -> float:
    """Mean rated distance of the rated items among the first ten."""
    return float(np.nanmean(_select_first(values, reading)))


def _average_share(values: Floats, reading: int) -> float:
    """Share of rated items among the first ten."""
    return float((~np.isnan(_select_first(values, reading))).mean())


def _select_first(values: Floats, reading: int) -> Floats:
    """(DEPTH, q) rated distances of the items with the highest scores under a reading."""
    first = np.argsort(-values[:, :, reading], axis=0, kind="stable")[:DEPTH]
    return np.take_along_axis(values[:, :, -1], first, axis=0)
