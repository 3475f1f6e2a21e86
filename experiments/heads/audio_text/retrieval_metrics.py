"""Queries for held-out clips, and metrics of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from experiments.heads.audio_text.clips import Floats, LabelledClips
from experiments.heads.audio_text.prompts import SPEAKERS, add_article
from experiments.heads.audio_text.vocabulary import ANIMALS, EMOTIONS
from retrieval.evaluation import compute_expected_precision, pearson

TOP_K = 10
MUSIC_QUERIES = ("happy music", "sad music", "energetic music", "calm music")

CosineFunction = Callable[[Sequence[str]], npt.NDArray[np.floating]]  # texts to (texts, clips)
Metrics = dict[str, float]


def list_animal_queries(animal: str) -> tuple[str, ...]:
    """Four queries for an animal; the last is in no prompt."""
    name = add_article(animal)
    return animal, f"{name} {ANIMALS[animal].participle}", f"the sound of {name}", f"the noise {name} makes"


def list_voice_queries(adjectives: Sequence[str]) -> tuple[str, ...]:
    """Two queries for a voice by each adjective."""
    return tuple(text for word in adjectives for text in (f"{add_article(word)} voice", f"{word} speech"))


def list_queries() -> list[str]:
    """All queries of `compute_metrics` and `compute_synonym_metrics`."""
    return list(dict.fromkeys(_iterate_queries()))


def list_speaker_queries(adjective: str) -> tuple[str, ...]:
    """A query for an emotion of each of SPEAKERS."""
    return tuple(f"{add_article(adjective)} {speaker} speaking" for speaker in SPEAKERS)


def _iterate_queries() -> Iterator[str]:
    for name, animal in ANIMALS.items():
        yield from (*list_animal_queries(name), *animal.synonyms)
    for emotion in EMOTIONS.values():
        yield from (emotion.adjectives[0], *list_voice_queries((*emotion.adjectives, *emotion.synonyms)))
        yield from list_speaker_queries(emotion.adjectives[0])
    yield from MUSIC_QUERIES


def precision_at_k(scores: npt.ArrayLike, is_relevant: npt.NDArray[np.bool_]) -> float:
    """Share of relevant clips among the ten with the best scores (n,), or among as many as are relevant.

    Expected over random orders of equal scores; NaN where none is relevant.
    """
    depth = min(TOP_K, int(is_relevant.sum()))
    if not depth:
        return float("nan")
    return float(compute_expected_precision(np.asarray(scores)[None], is_relevant[None], depth)[0])


def compute_metrics(clips: LabelledClips, compute_cosines: CosineFunction) -> Metrics:
    """Metrics of retrieval by words: P@10 within the kind and among all clips, by label and macro.

    Accuracy classifies each clip by the label whose query has the largest cosine; r is that of the
    difference of two queries' cosines with the ratings.
    """
    animal_metrics, by_animal = _compute_animal_metrics(clips, compute_cosines)
    emotion_metrics, by_emotion = _compute_emotion_metrics(clips, compute_cosines)
    return {
        **animal_metrics,
        **emotion_metrics,
        **_compute_music_metrics(clips, compute_cosines),
        **{f"P@10 {name}": value for name, value in (by_animal | by_emotion).items()},
    }


def _compute_animal_metrics(clips: LabelledClips, compute_cosines: CosineFunction) -> tuple[Metrics, Metrics]:
    """Metrics of all animals, and P@10 by animal."""
    is_animal = clips.kinds == "animal"
    by_animal, among_all, by_bare_name = {}, [], []
    for name in ANIMALS:
        is_relevant = clips.labels == name
        scores = compute_cosines(list_animal_queries(name))
        by_animal[name] = _nan_mean(
            [precision_at_k(row[is_animal], is_relevant[is_animal]) for row in scores]
        )
        among_all.append(_nan_mean([precision_at_k(row, is_relevant) for row in scores]))
        bare_scores = compute_cosines([name])[0]
        by_bare_name.append(precision_at_k(bare_scores[is_animal], is_relevant[is_animal]))
    metrics = {
        "P@10 animals": _nan_mean(list(by_animal.values())),
        "P@10 animals among all": _nan_mean(among_all),
        "P@10 animals by bare name": _nan_mean(by_bare_name),
        "accuracy of animals": _accuracy(clips, is_animal, list(ANIMALS), compute_cosines(list(ANIMALS))),
    }
    return metrics, by_animal


def _compute_emotion_metrics(
    clips: LabelledClips, compute_cosines: CosineFunction
) -> tuple[Metrics, Metrics]:
    """Metrics of all emotions of speech, and P@10 by emotion."""
    is_speech = clips.kinds == "speech"
    by_emotion, among_all, by_speaker, by_bare_word = {}, [], [], []
    for name, emotion in EMOTIONS.items():
        is_relevant, adjective = clips.labels == name, emotion.adjectives[0]
        scores = compute_cosines(list_voice_queries([adjective]))
        by_emotion[name] = _nan_mean(
            [precision_at_k(row[is_speech], is_relevant[is_speech]) for row in scores]
        )
        among_all.append(_nan_mean([precision_at_k(row, is_relevant) for row in scores]))
        speaker_scores = compute_cosines(list_speaker_queries(adjective))
        by_speaker += [
            precision_at_k(row, is_relevant & (clips.speakers == speaker))
            for speaker, row in zip(SPEAKERS, speaker_scores, strict=True)
        ]
        by_bare_word.append(precision_at_k(compute_cosines([adjective])[0], is_relevant))
    queries = [list_voice_queries(emotion.adjectives[:1])[0] for emotion in EMOTIONS.values()]
    metrics = {
        "P@10 emotions": _nan_mean(list(by_emotion.values())),
        "P@10 emotions among all": _nan_mean(among_all),
        "P@10 emotions by bare word": _nan_mean(by_bare_word),
        "P@10 emotions of men and women": _nan_mean(by_speaker),
        "accuracy of emotions": _accuracy(clips, is_speech, list(EMOTIONS), compute_cosines(queries)),
    }
    return metrics, by_emotion


def _compute_music_metrics(clips: LabelledClips, compute_cosines: CosineFunction) -> Metrics:
    is_music = clips.kinds == "music"
    happy, sad, energetic, calm = compute_cosines(MUSIC_QUERIES)[:, is_music]
    valence, arousal = clips.affect[is_music].T
    return {
        "r valence of music": float(pearson(happy - sad, valence)),
        "r arousal of music": float(pearson(energetic - calm, arousal)),
    }


def compute_synonym_metrics(clips: LabelledClips, compute_cosines: CosineFunction) -> Metrics:
    """P@10 among all clips for words that are in no prompt."""
    animals = [
        precision_at_k(row, clips.labels == name)
        for name, animal in ANIMALS.items()
        for row in compute_cosines(animal.synonyms)
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
    """P@10 and accuracy of a classifier's scores (clips, classes) among these clips."""
    precision = [
        precision_at_k(scores[:, column], clips.labels == name) for column, name in enumerate(class_names)
    ]
    return {
        f"P@10 {task}": _nan_mean(precision),
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
