"""Domain detection: whether texts about sounds are in domain and others are not, on held-out texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders import Rows
from experiments.datasets.exercise_activity import load_exercises
from experiments.datasets.flickr1k import load_flickr1k
from experiments.heads.audio_text.out_of_domain_texts import list_class_names
from experiments.heads.audio_text.prompts import Prompt
from experiments.heads.audio_text.retrieval_metrics import list_voice_queries
from experiments.heads.audio_text.training_set import EncodeTexts
from experiments.heads.audio_text.vocabulary import ANIMALS, EMOTIONS, MOODS
from retrieval.evaluation import Estimate, bootstrap_interval, compute_proportion_interval
from spaces.joint import TextDomain

MAX_TEXTS = 250  # of one source
CLASS_NAME_STEP = 3  # every third of the class names is held out

IN_DOMAIN_PHRASES = (
    "a dog barking in the yard", "someone shouting angrily", "cheerful music", "sad piano music",
    "a woman speaking happily", "a cat meowing at the door", "birds singing at dawn",
    "a lion roaring in the distance", "cows mooing in a field", "a frog croaking by the pond",
    "chickens clucking in the farmyard", "a donkey braying loudly", "monkeys screaming in the trees",
    "sheep bleating on a hillside", "a man yelling in anger", "a frightened woman whispering",
    "an angry man", "somebody who sounds disgusted", "a surprised voice saying something",
    "a calm male voice", "a girl speaking in a sad tone", "a happy song", "gloomy music in a minor key",
    "relaxing music for sleeping", "exciting boss battle music", "a slow sad song",
    "upbeat video game soundtrack", "scary music from a horror film", "a peaceful melody",
    "dramatic orchestral music", "a barking dog", "meowing", "barking", "mooing", "roaring", "croaking",
    "bleating", "clucking", "chirping birds", "an angry shout", "a person crying while talking",
    "a nervous voice", "a bored voice", "an excited person talking", "angry", "happy speech", "a lullaby",
    "a nocturne for piano", "jazz music", "a woman talking in fear", "a speech given calmly",
    "a noisy animal", "a wild animal's cry", "farm animals", "pets making noise",
    "dogs howling at the moon", "a purring cat",
)  # fmt: skip

OUT_OF_DOMAIN_TEXTS = (
    "a red car", "children on a beach", "a sunset", "a skyscraper", "a woman in a green dress", "a pizza",
    "a spaceship", "football players on a field", "a forest in autumn", "a chair",
    "a man climbing a mountain", "two girls in swimsuits", "a glass of wine", "tax law", "an airport",
    "a painting of a house", "a train station", "a book on a shelf", "workers on a building site",
    "a snowboarder", "a lorry", "chocolate cake", "a tent", "the number seven", "a doctor in a hospital",
)  # fmt: skip

AUDIO_WORDS_PATTERN = re.compile(
    r"\b(dogs?|pupp|cats?|kitten|birds?|cows?|cattle|bull|lions?|sheep|lamb|frogs?|toads?|chicken|hens?|"
    r"rooster|donkey|mule|monkey|ape|animal|piano|music|instrument|guitar|drum|orchestra|band|sing|talk|speak|voice|mouth|"
    r"shout|scream|laugh|yell|goose|duck|horse|seagull|pigeon|smil|happ|angr|sad|cry)",
    re.IGNORECASE,
)

IN_DOMAIN_SOURCES = ("names", "synonyms", "phrases")
N_BOOTSTRAP_DRAWS = 500


def load_domain_texts(data_root: Path) -> dict[str, list[str]]:
    """Texts by source, those of IN_DOMAIN_SOURCES about sounds. Raises AffectError where a set is missing."""
    captions = [
        caption
        for photo in load_flickr1k(data_root)
        if photo.split == "dev"
        for caption in photo.labels
        if not AUDIO_WORDS_PATTERN.search(caption)
    ]
    exercises = [item.captions[0] for item in load_exercises(data_root).items if item.split == "dev"]
    return {
        "names": list(ANIMALS),
        "synonyms": _list_synonyms(),
        "phrases": list(IN_DOMAIN_PHRASES),
        "captions": captions[:: max(len(captions) // MAX_TEXTS, 1)][:MAX_TEXTS],
        "exercises": exercises[:MAX_TEXTS],
        "class names": list_class_names()[::CLASS_NAME_STEP],
        "things": list(OUT_OF_DOMAIN_TEXTS),
    }


def evaluate_domain_detection(
    texts_by_source: Mapping[str, Sequence[str]],
    prompts: Sequence[Prompt],
    out_of_domain_texts: Sequence[str],
    encode_texts: EncodeTexts,
    min_cosine: float,
    seed: int,
) -> dict[str, Estimate]:
    """By source, the share of texts in domain; and the area under the ROC curve of the cosines' difference.

    prompts, out_of_domain_texts: of the rule; texts that are tested are removed from the latter
    """
    test_texts = {text for texts in texts_by_source.values() for text in texts}
    out_of_domain = encode_texts([text for text in out_of_domain_texts if text not in test_texts])
    domain = TextDomain(
        in_domain=encode_texts([prompt.text for prompt in prompts]),
        min_similarity=min_cosine,
        out_of_domain=out_of_domain,
    )
    estimates: dict[str, Estimate] = {}
    margins: dict[str, Rows] = {}
    for source, texts in texts_by_source.items():
        rows = encode_texts(texts)
        is_in_domain = domain.contains(rows)
        interval = compute_proportion_interval(is_in_domain)
        estimates[f"belongs: {source}"] = Estimate(float(is_in_domain.mean()), *interval)
        margins[source] = (rows @ domain.in_domain.T).max(axis=1) - (rows @ out_of_domain.T).max(axis=1)
    estimates["belongs: area under the ROC"] = _estimate_roc_auc(margins, seed)
    return estimates


def _estimate_roc_auc(margins: Mapping[str, Rows], seed: int) -> Estimate:
    """Of synonyms and phrases against the sources that are not in domain."""
    inside = np.concatenate([margins["synonyms"], margins["phrases"]])
    outside = np.concatenate(
        [margin for source, margin in margins.items() if source not in IN_DOMAIN_SOURCES]
    )
    pairs = np.concatenate(
        [np.stack([inside, np.ones(len(inside))], 1), np.stack([outside, np.zeros(len(outside))], 1)]
    )
    interval = bootstrap_interval(pairs, _roc_auc, seed=seed, draws=N_BOOTSTRAP_DRAWS)
    return Estimate(_roc_auc(pairs), *interval)


def _roc_auc(pairs: Rows) -> float:
    """Share of pairs of a positive and a negative in which the positive scores higher, ties half.

    pairs: (n, 2) scores, and 1 or 0
    """
    positives, negatives = pairs[pairs[:, 1] == 1, 0], np.sort(pairs[pairs[:, 1] == 0, 0])
    below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
    return float(below.mean() / 2 / len(negatives))


def _list_synonyms() -> list[str]:
    return [
        *(text for animal in ANIMALS.values() for text in animal.synonyms),
        *(text for emotion in EMOTIONS.values() for text in list_voice_queries(emotion.synonyms)),
        *dict.fromkeys(f"{word} music" for mood in MOODS for word in mood.synonyms),
    ]
