"""Captions of a clip: a small grammar with synonyms; each says a part of what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.synthetic.world import SyntheticClip

CAPTIONS_PER_CLIP = 5
MENTION_PROBABILITIES = {"shape": 0.75, "colour": 0.75, "action": 0.75, "mood": 0.65, "backdrop": 0.2}
"""Chance that a caption says a thing."""
MIN_MENTIONS = 2  # things every caption says

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
    """Five different captions, the same for the same clip."""
    rng = clip.make_rng(4)
    found: dict[str, None] = {}
    while len(found) < CAPTIONS_PER_CLIP:
        found[generate_caption(clip, _draw_attributes(clip, rng), rng)] = None
    return tuple(found)


def generate_caption(clip: SyntheticClip, attributes: Sequence[str], rng: np.random.Generator) -> str:
    """One caption that says these things of a clip (keys of WORDS), in words chosen at random."""

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
    there = [what for what in MENTION_PROBABILITIES if getattr(clip, what) is not None]
    while True:
        said = [what for what in there if rng.random() < MENTION_PROBABILITIES[what]]
        if len(said) >= MIN_MENTIONS:
            return said


def _choose_one(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _add_article(noun: str) -> str:
    return f"{'an' if noun[0] in VOWELS else 'a'} {noun}"
