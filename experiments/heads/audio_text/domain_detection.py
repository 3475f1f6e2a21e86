"""Whether texts about sounds belong and others do not, on words of both sides that were held out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders.base import Rows
from experiments.datasets import load_flickr1k
from experiments.datasets.exercise_activity import load_exercises
from experiments.heads.audio_text.out_of_domain_texts import list_class_names
from experiments.heads.audio_text.prompts import ANIMALS, EMOTIONS, MOODS, Prompt
from experiments.heads.audio_text.retrieval_metrics import list_voice_queries
from retrieval.evaluation.resampling import bootstrap_interval
from spaces.joint.space import TextDomain

MAX_TEXTS = 250  # texts of one source
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

EncodeTexts = Callable[[Sequence[str]], Rows]
ShareWithInterval = tuple[float, float, float]  # and its 95 % interval


def load_domain_texts(data_root: Path) -> dict[str, list[str]]:
    """Texts by source; those of the first three tell of sounds.

    Raises AffectError where a set is not there.
    """
    said = (caption for photo in load_flickr1k(data_root) if photo.split == "dev" for caption in photo.labels)
    captions = [caption for caption in said if not AUDIO_WORDS_PATTERN.search(caption)]
    trained = [item.captions[0] for item in load_exercises(data_root).items if item.split == "dev"]
    return {
        "names": list(ANIMALS),
        "synonyms": _list_synonyms(),
        "phrases": list(IN_DOMAIN_PHRASES),
        "captions": captions[:: max(len(captions) // MAX_TEXTS, 1)][:MAX_TEXTS],
        "exercises": trained[:MAX_TEXTS],
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
) -> dict[str, ShareWithInterval]:
    """By source, the share that belongs; and the area under the ROC of the cosines' difference.

    prompts, out_of_domain_texts: what the rule knows; strangers that are asked are taken out
    """
    held = {text for texts in texts_by_source.values() for text in texts}
    others = encode_texts([text for text in out_of_domain_texts if text not in held])
    domain = TextDomain(
        in_domain=encode_texts([prompt.text for prompt in prompts]),
        min_similarity=min_cosine,
        out_of_domain=others,
    )
    found: dict[str, ShareWithInterval] = {}
    margins: dict[str, Rows] = {}
    for source, texts in texts_by_source.items():
        rows = encode_texts(texts)
        holds = domain.contains(rows).astype(np.float64)
        low, high = bootstrap_interval(holds, seed=seed)
        found[f"belongs: {source}"] = float(holds.mean()), low, high
        margins[source] = (rows @ domain.in_domain.T).max(axis=1) - (rows @ others.T).max(axis=1)
    inside = np.concatenate([margins[source] for source in ("synonyms", "phrases")])
    outside = np.concatenate([margins[source] for source in list(texts_by_source)[3:]])
    pairs = np.concatenate(
        [np.stack([inside, np.ones(len(inside))], 1), np.stack([outside, np.zeros(len(outside))], 1)]
    )
    low, high = bootstrap_interval(pairs, _roc_auc, seed=seed, draws=500)
    found["belongs: area under the ROC"] = _roc_auc(pairs), low, high
    return found


def _roc_auc(pairs: Rows) -> float:
    """Of (n, 2) scores and 1 or 0: how often a score of a 1 lies above one of a 0, ties half."""
    right, wrong = pairs[pairs[:, 1] == 1, 0], np.sort(pairs[pairs[:, 1] == 0, 0])
    below = np.searchsorted(wrong, right, "left") + np.searchsorted(wrong, right, "right")
    return float(below.mean() / 2 / len(wrong))


def _list_synonyms() -> list[str]:
    return [
        *(text for animal in ANIMALS.values() for text in animal.synonyms),
        *(text for emotion in EMOTIONS.values() for text in list_voice_queries(emotion.synonyms)),
        *dict.fromkeys(f"{word} music" for mood in MOODS for word in mood.synonyms),
    ]
