"""What is asked of held-out clips, and how well the answers fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from experiments.heads.audio_text.clips import Floats, LabelledClips
from experiments.heads.audio_text.prompts import ANIMALS, EMOTIONS, SPEAKERS, add_article
from retrieval.evaluation.affect_metrics import pearson

TOP_K = 10
MUSIC_QUERIES = ("happy music", "sad music", "energetic music", "calm music")

CosineFunction = Callable[[Sequence[str]], npt.NDArray[np.floating]]  # texts to (texts, clips)
Metrics = dict[str, float]


def list_animal_queries(animal: str) -> tuple[str, ...]:
    """Four ways to ask for an animal; the last is in no prompt."""
    one = add_article(animal)
    return animal, f"{one} {ANIMALS[animal].participle}", f"the sound of {one}", f"the noise {one} makes"


def list_voice_queries(adjectives: Sequence[str]) -> tuple[str, ...]:
    """Two ways to ask for a voice by each adjective."""
    return tuple(text for word in adjectives for text in (f"{add_article(word)} voice", f"{word} speech"))


def list_queries() -> list[str]:
    """All texts that `figures` and `synonym_figures` ask."""
    return list(dict.fromkeys(_iterate_queries()))


def list_speaker_queries(adjective: str) -> tuple[str, ...]:
    """A way to ask for an emotion of each of SPEAKERS."""
    return tuple(f"{add_article(adjective)} {speaker} speaking" for speaker in SPEAKERS)


def _iterate_queries() -> Iterator[str]:
    for name, animal in ANIMALS.items():
        yield from (*list_animal_queries(name), *animal.synonyms)
    for emotion in EMOTIONS.values():
        yield from (emotion.adjectives[0], *list_voice_queries((*emotion.adjectives, *emotion.synonyms)))
        yield from list_speaker_queries(emotion.adjectives[0])
    yield from MUSIC_QUERIES


def precision_at_k(scores: npt.ArrayLike, is_relevant: npt.NDArray[np.bool_]) -> float:
    """Share of right ones among the ten best of (n,), or among as many as are right if those are fewer.

    NaN where none is right.
    """
    depth = min(TOP_K, int(is_relevant.sum()))
    best = np.argsort(-np.asarray(scores), kind="stable")[:depth]
    return float(is_relevant[best].mean()) if depth else float("nan")


def compute_metrics(clips: LabelledClips, compute_cosines: CosineFunction) -> Metrics:
    """How well one fold's clips answer words: P@10 among clips of the kind and among all, by label and macro.

    Accuracy takes the best of the labels' words for a clip; r sets two words' difference beside the ratings.
    """
    cries, voices, pieces = (clips.kinds == kind for kind in ("animal", "speech", "music"))
    by_animal, animals_of_all = {}, []
    for name in ANIMALS:
        right, scores = clips.labels == name, compute_cosines(list_animal_queries(name))
        by_animal[name] = _nan_mean([precision_at_k(row[cries], right[cries]) for row in scores])
        animals_of_all.append(_nan_mean([precision_at_k(row, right) for row in scores]))
    by_emotion, emotions_of_all, spoken = {}, [], []
    for name, emotion in EMOTIONS.items():
        right, scores = clips.labels == name, compute_cosines(list_voice_queries(emotion.adjectives[:1]))
        by_emotion[name] = _nan_mean([precision_at_k(row[voices], right[voices]) for row in scores])
        emotions_of_all.append(_nan_mean([precision_at_k(row, right) for row in scores]))
        for speaker, row in zip(
            SPEAKERS, compute_cosines(list_speaker_queries(emotion.adjectives[0])), strict=True
        ):
            spoken.append(precision_at_k(row, right & (clips.speakers == speaker)))
    voiced = [list_voice_queries(emotion.adjectives[:1])[0] for emotion in EMOTIONS.values()]
    happy, sad, energetic, calm = compute_cosines(MUSIC_QUERIES)[:, pieces]
    valence, arousal = clips.affect[pieces].T
    return {
        "P@10 animals": _nan_mean(list(by_animal.values())),
        "P@10 animals among all": _nan_mean(animals_of_all),
        "P@10 animals by bare name": _nan_mean(
            [
                precision_at_k(compute_cosines([name])[0, cries], (clips.labels == name)[cries])
                for name in ANIMALS
            ]
        ),
        "accuracy of animals": _accuracy(clips, cries, list(ANIMALS), compute_cosines(list(ANIMALS))),
        "P@10 emotions": _nan_mean(list(by_emotion.values())),
        "P@10 emotions among all": _nan_mean(emotions_of_all),
        "P@10 emotions by bare word": _nan_mean(
            [
                precision_at_k(compute_cosines([emotion.adjectives[0]])[0], clips.labels == name)
                for name, emotion in EMOTIONS.items()
            ]
        ),
        "P@10 emotions of men and women": _nan_mean(spoken),
        "accuracy of emotions": _accuracy(clips, voices, list(EMOTIONS), compute_cosines(voiced)),
        "r valence of music": float(pearson(happy - sad, valence)),
        "r arousal of music": float(pearson(energetic - calm, arousal)),
        **{f"P@10 {name}": value for name, value in (by_animal | by_emotion).items()},
    }


def compute_synonym_metrics(clips: LabelledClips, compute_cosines: CosineFunction) -> Metrics:
    """P@10 among all for words that no prompt held."""
    animals = [
        precision_at_k(row, clips.labels == n)
        for n, a in ANIMALS.items()
        for row in compute_cosines(a.synonyms)
    ]
    emotions = [
        precision_at_k(row, clips.labels == name)
        for name, emotion in EMOTIONS.items()
        for row in compute_cosines(list_voice_queries(emotion.synonyms))
    ]
    return {"P@10 animals by synonyms": _nan_mean(animals), "P@10 emotions by synonyms": _nan_mean(emotions)}


def compute_classifier_metrics(
    clips: LabelledClips, task: str, class_names: Sequence[str], scores: Floats
) -> Metrics:
    """P@10 and accuracy of a classifier's scores (clips, names) among these clips."""
    right = [clips.labels == name for name in class_names]
    return {
        f"P@10 {task}": _nan_mean([precision_at_k(scores[:, at], one) for at, one in enumerate(right)]),
        f"accuracy of {task}": float(np.mean(np.asarray(class_names)[scores.argmax(axis=1)] == clips.labels)),
    }


def _accuracy(
    clips: LabelledClips,
    mask: npt.NDArray[np.bool_],
    class_names: Sequence[str],
    scores: npt.NDArray[np.floating],
) -> float:
    return float(np.mean(np.asarray(class_names)[scores[:, mask].argmax(axis=0)] == clips.labels[mask]))


def _nan_mean(values: Sequence[float]) -> float:
    return float(np.nanmean(values))
