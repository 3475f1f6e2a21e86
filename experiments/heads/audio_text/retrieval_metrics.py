"""What is asked of held-out clips, and how well the answers fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from experiments.heads.audio_text.clips import Clips, Floats
from experiments.heads.audio_text.prompts import ANIMALS, EMOTIONS, SPEAKERS, with_article
from retrieval.evaluation.affect_metrics import pearson

DEPTH = 10
MUSIC = ("happy music", "sad music", "energetic music", "calm music")

Cosines = Callable[[Sequence[str]], npt.NDArray[np.floating]]  # texts to (texts, clips)
Figures = dict[str, float]


def animal_texts(name: str) -> tuple[str, ...]:
    """Four ways to ask for an animal; the last is in no prompt."""
    one = with_article(name)
    return name, f"{one} {ANIMALS[name].calling}", f"the sound of {one}", f"the noise {one} makes"


def voice_texts(words: Sequence[str]) -> tuple[str, ...]:
    """Two ways to ask for a voice by each adjective."""
    return tuple(text for word in words for text in (f"{with_article(word)} voice", f"{word} speech"))


def asked() -> list[str]:
    """All texts that `figures` and `synonym_figures` ask."""
    return list(dict.fromkeys(_asked()))


def speaker_texts(word: str) -> tuple[str, ...]:
    """A way to ask for an emotion of each of SPEAKERS."""
    return tuple(f"{with_article(word)} {speaker} speaking" for speaker in SPEAKERS)


def _asked() -> Iterator[str]:
    for name, animal in ANIMALS.items():
        yield from (*animal_texts(name), *animal.synonyms)
    for emotion in EMOTIONS.values():
        yield from (emotion.adjectives[0], *voice_texts((*emotion.adjectives, *emotion.synonyms)))
        yield from speaker_texts(emotion.adjectives[0])
    yield from MUSIC


def precision(scores: npt.ArrayLike, right: npt.NDArray[np.bool_]) -> float:
    """Share of right ones among the ten best of (n,), or among as many as are right if those are fewer.

    NaN where none is right.
    """
    depth = min(DEPTH, int(right.sum()))
    best = np.argsort(-np.asarray(scores), kind="stable")[:depth]
    return float(right[best].mean()) if depth else float("nan")


def figures(clips: Clips, cosines: Cosines) -> Figures:
    """How well one fold's clips answer words: P@10 among clips of the kind and among all, by label and macro.

    Accuracy takes the best of the labels' words for a clip; r sets two words' difference beside the ratings.
    """
    cries, voices, pieces = (clips.kinds == kind for kind in ("animal", "speech", "music"))
    by_animal, animals_of_all = {}, []
    for name in ANIMALS:
        right, scores = clips.labels == name, cosines(animal_texts(name))
        by_animal[name] = _mean([precision(row[cries], right[cries]) for row in scores])
        animals_of_all.append(_mean([precision(row, right) for row in scores]))
    by_emotion, emotions_of_all, spoken = {}, [], []
    for name, emotion in EMOTIONS.items():
        right, scores = clips.labels == name, cosines(voice_texts(emotion.adjectives[:1]))
        by_emotion[name] = _mean([precision(row[voices], right[voices]) for row in scores])
        emotions_of_all.append(_mean([precision(row, right) for row in scores]))
        for speaker, row in zip(SPEAKERS, cosines(speaker_texts(emotion.adjectives[0])), strict=True):
            spoken.append(precision(row, right & (clips.speakers == speaker)))
    voiced = [voice_texts(emotion.adjectives[:1])[0] for emotion in EMOTIONS.values()]
    happy, sad, energetic, calm = cosines(MUSIC)[:, pieces]
    valence, arousal = clips.moods[pieces].T
    return {
        "P@10 animals": _mean(list(by_animal.values())),
        "P@10 animals among all": _mean(animals_of_all),
        "P@10 animals by bare name": _mean(
            [precision(cosines([name])[0, cries], (clips.labels == name)[cries]) for name in ANIMALS]
        ),
        "accuracy of animals": _accuracy(clips, cries, list(ANIMALS), cosines(list(ANIMALS))),
        "P@10 emotions": _mean(list(by_emotion.values())),
        "P@10 emotions among all": _mean(emotions_of_all),
        "P@10 emotions by bare word": _mean(
            [
                precision(cosines([emotion.adjectives[0]])[0], clips.labels == name)
                for name, emotion in EMOTIONS.items()
            ]
        ),
        "P@10 emotions of men and women": _mean(spoken),
        "accuracy of emotions": _accuracy(clips, voices, list(EMOTIONS), cosines(voiced)),
        "r valence of music": float(pearson(happy - sad, valence)),
        "r arousal of music": float(pearson(energetic - calm, arousal)),
        **{f"P@10 {name}": value for name, value in (by_animal | by_emotion).items()},
    }


def synonym_figures(clips: Clips, cosines: Cosines) -> Figures:
    """P@10 among all for words that no prompt held."""
    animals = [precision(row, clips.labels == n) for n, a in ANIMALS.items() for row in cosines(a.synonyms)]
    emotions = [
        precision(row, clips.labels == name)
        for name, emotion in EMOTIONS.items()
        for row in cosines(voice_texts(emotion.synonyms))
    ]
    return {"P@10 animals by synonyms": _mean(animals), "P@10 emotions by synonyms": _mean(emotions)}


def class_figures(clips: Clips, told: str, names: Sequence[str], scores: Floats) -> Figures:
    """P@10 and accuracy of a classifier's scores (clips, names) among these clips."""
    right = [clips.labels == name for name in names]
    return {
        f"P@10 {told}": _mean([precision(scores[:, at], one) for at, one in enumerate(right)]),
        f"accuracy of {told}": float(np.mean(np.asarray(names)[scores.argmax(axis=1)] == clips.labels)),
    }


def _accuracy(
    clips: Clips, here: npt.NDArray[np.bool_], names: Sequence[str], scores: npt.NDArray[np.floating]
) -> float:
    return float(np.mean(np.asarray(names)[scores[:, here].argmax(axis=0)] == clips.labels[here]))


def _mean(values: Sequence[float]) -> float:
    return float(np.nanmean(values))
