"""Captions of a clip by a small grammar with synonyms; each mentions some of the clip's attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.synthetic.world import SyntheticClip

CAPTIONS_PER_CLIP = 5
MENTION_PROBABILITIES = {"shape": 0.75, "colour": 0.75, "action": 0.75, "mood": 0.65, "backdrop": 0.2}
"""Probability that a caption mentions an attribute."""
MIN_MENTIONS = 2  # attributes of a caption

SYNONYMS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "shape": {
        "disc": ("disc", "circle", "ball"),
        "square": ("square", "box", "block"),
        "triangle": ("triangle", "wedge"),
        "star": ("star", "five-pointed star"),
    },
    "colour": {
        "red": ("red", "scarlet"),
        "green": ("green", "emerald"),
        "blue": ("blue", "azure"),
        "yellow": ("yellow", "golden"),
        "purple": ("purple", "violet"),
        "orange": ("orange", "tangerine"),
    },
    "action": {
        "slides left": ("slides left", "moves to the left", "drifts leftwards"),
        "slides right": ("slides right", "moves to the right", "drifts rightwards"),
        "grows": ("grows", "gets bigger", "swells up"),
        "shrinks": ("shrinks", "gets smaller", "dwindles"),
        "bounces": ("bounces", "hops up and down"),
        "spins": ("spins", "rotates", "turns on the spot"),
        "shakes": ("shakes", "trembles", "jitters"),
        "orbits": ("orbits the middle", "goes round and round"),
    },
    "mood": {
        "happy": ("happy", "cheerful", "merry"),
        "excited": ("excited", "thrilling", "energetic"),
        "calm": ("calm", "peaceful", "relaxing"),
        "sad": ("sad", "sorrowful", "gloomy"),
        "angry": ("angry", "furious", "aggressive"),
        "uneasy": ("uneasy", "nervous", "eerie"),
    },
    "backdrop": {"dark": ("dark", "black"), "light": ("light", "white"), "striped": ("striped",)},
}
GENERIC_NOUNS = ("shape", "figure", "thing")
MUSIC_PHRASES = ("to {} music", "while {} music plays", "with a {} tune")
BACKDROP_PHRASES = ("on a {} background", "in front of a {} wall")
VOWELS = "aeiou"


def generate_captions(clip: SyntheticClip) -> tuple[str, ...]:
    """CAPTIONS_PER_CLIP different captions, the same for the same clip."""
    rng = clip.make_rng(4)
    captions: dict[str, None] = {}  # a set in order
    while len(captions) < CAPTIONS_PER_CLIP:
        captions[generate_caption(clip, _draw_attributes(clip, rng), rng)] = None
    return tuple(captions)


def generate_caption(clip: SyntheticClip, attributes: Sequence[str], rng: np.random.Generator) -> str:
    """A caption that mentions these attributes (keys of SYNONYMS), in words drawn at random."""

    def choose_word(attribute: str) -> str:
        return _choose_one(SYNONYMS[attribute][getattr(clip, attribute)], rng)

    noun = choose_word("shape") if "shape" in attributes else _choose_one(GENERIC_NOUNS, rng)
    if "colour" in attributes:
        noun = f"{choose_word('colour')} {noun}"
    parts = [_add_article(noun)]
    if "action" in attributes:
        parts.append(choose_word("action"))
    if "backdrop" in attributes:
        parts.append(_choose_one(BACKDROP_PHRASES, rng).format(choose_word("backdrop")))
    if "mood" in attributes:
        mood = choose_word("mood")
        pattern = _choose_one(MUSIC_PHRASES, rng)
        parts.append(pattern.replace("a {}", _add_article(mood)).format(mood))
    return " ".join(parts)


def _draw_attributes(clip: SyntheticClip, rng: np.random.Generator) -> list[str]:
    present = [name for name in MENTION_PROBABILITIES if getattr(clip, name) is not None]
    while True:
        mentioned = [name for name in present if rng.random() < MENTION_PROBABILITIES[name]]
        if len(mentioned) >= MIN_MENTIONS:
            return mentioned


def _choose_one(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _add_article(noun: str) -> str:
    return f"{'an' if noun[0] in VOWELS else 'a'} {noun}"
