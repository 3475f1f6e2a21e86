"""Captions of a clip: a small grammar with synonyms; each says a part of what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.synthetic.world import Clip

CAPTIONS = 5
SAID = {"shape": 0.75, "colour": 0.75, "action": 0.75, "mood": 0.65, "backdrop": 0.2}
"""Chance that a caption says a thing."""
LEAST = 2  # things every caption says

WORDS: Mapping[str, Mapping[str, Sequence[str]]] = {
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
THINGS = ("shape", "figure", "thing")
MUSIC = ("to {} music", "while {} music plays", "with a {} tune")
BEHIND = ("on a {} background", "in front of a {} wall")
VOWELS = "aeiou"


def captions(clip: Clip) -> tuple[str, ...]:
    """Five different captions, the same for the same clip."""
    rng = clip.rng(4)
    found: dict[str, None] = {}
    while len(found) < CAPTIONS:
        found[caption(clip, _chosen(clip, rng), rng)] = None
    return tuple(found)


def caption(clip: Clip, said: Sequence[str], rng: np.random.Generator) -> str:
    """One caption that says these things of a clip (keys of WORDS), in words chosen at random."""

    def word(what: str) -> str:
        return _pick(WORDS[what][getattr(clip, what)], rng)

    noun = word("shape") if "shape" in said else _pick(THINGS, rng)
    if "colour" in said:
        noun = f"{word('colour')} {noun}"
    parts = [_article(noun)]
    if "action" in said:
        parts.append(word("action"))
    if "backdrop" in said:
        parts.append(_pick(BEHIND, rng).format(word("backdrop")))
    if "mood" in said:
        mood = word("mood")
        pattern = _pick(MUSIC, rng)
        parts.append(pattern.replace("a {}", _article(mood)).format(mood))
    return " ".join(parts)


def _chosen(clip: Clip, rng: np.random.Generator) -> list[str]:
    there = [what for what in SAID if getattr(clip, what) is not None]
    while True:
        said = [what for what in there if rng.random() < SAID[what]]
        if len(said) >= LEAST:
            return said


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in VOWELS else 'a'} {noun}"
