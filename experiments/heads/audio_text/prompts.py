"""Prompts: texts for sounds, and the clips that match them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.heads.audio_text.vocabulary import (
    ANIMALS,
    DRUM_LABELS,
    EMOTIONS,
    INSTRUMENTS,
    MOODS,
    UNRATED_MUSIC_LABELS,
    AnimalWords,
    EmotionWords,
)

SPEAKERS = {"man": ("man", "male voice"), "woman": ("woman", "female voice")}
GENERIC_ANIMAL_TEXTS = (
    "an animal",
    "animal sounds",
    "animals",
    "the call of an animal",
    "an animal making noise",
)
GENERIC_SPEECH_TEXTS = ("speech", "a voice", "a person speaking", "someone talking", "a human voice")
GENERIC_PIANO_TEXTS = ("piano music", "a piano", "someone playing the piano")
GENERIC_MUSIC_TEXTS = ("music", "a melody", "video game music", "a piece of music", "background music")
GENERIC_DRUM_TEXTS = ("a drum", "drums", "drumming", "percussion", "a percussion instrument", "drum sounds")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A text and the clips that match it: those of this kind and, where given, label and speaker.

    kind:    "animal", "speech", "music" or "instrument"
    label:   the animal, the emotion or the instrument; empty for any
    extra_labels: instruments that match as well
    speaker: "man" or "woman"; empty for either
    mood:    valence and arousal in the training pieces' standard deviations; such a prompt matches by degree
    """

    text: str
    kind: str
    label: str = ""
    extra_labels: tuple[str, ...] = ()
    speaker: str = ""
    mood: tuple[float, float] | None = None


def list_prompts(*, include_synonyms: bool = True) -> list[Prompt]:
    """All prompts, each text once; without `include_synonyms` those words are held out for evaluation."""
    return [
        *_list_animal_prompts(include_synonyms),
        *_list_speech_prompts(include_synonyms),
        *_list_music_prompts(include_synonyms),
        *_list_instrument_prompts(),
    ]


def add_article(phrase: str) -> str:
    """The phrase with its article: "an owl", "a dog"."""
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def _list_animal_prompts(include_synonyms: bool) -> Iterator[Prompt]:
    for name, words in ANIMALS.items():
        for text in (*_list_animal_texts(name, words), *(words.synonyms if include_synonyms else ())):
            yield Prompt(text=text, kind="animal", label=name)
    yield from (Prompt(text=text, kind="animal") for text in GENERIC_ANIMAL_TEXTS)


def _list_animal_texts(name: str, words: AnimalWords) -> Sequence[str]:
    singular, plural = add_article(name), words.plural or f"{name}s"
    return [
        *dict.fromkeys((name, singular, plural)),  # "sheep" is its own plural
        f"the sound of {singular}",
        f"{name} sounds",
        f"a recording of {singular}",
        f"{singular} {words.participle}",
        f"{add_article(words.participle)} {name}",
        f"the {words.noun} of {singular}",
        f"{plural} {words.participle}",
        *(f"{singular} {participle}" for participle in words.other_participles),
        *words.extra_phrases,
    ]


def _list_speech_prompts(include_synonyms: bool) -> Iterator[Prompt]:
    for label, words in EMOTIONS.items():
        adjectives = (*words.adjectives, *(words.synonyms if include_synonyms else ()))
        for text in _list_emotion_texts(words, adjectives):
            yield Prompt(text=text, kind="speech", label=label)
        for speaker, (person, voice) in SPEAKERS.items():
            texts = [t for word in adjectives for t in (f"{word} {person} speaking", f"{word} {voice}")]
            texts += [f"{person} speaking {word}" for word in words.adverbs]
            for text in map(add_article, texts):
                yield Prompt(text=text, kind="speech", label=label, speaker=speaker)
    yield from (Prompt(text=text, kind="speech") for text in GENERIC_SPEECH_TEXTS)
    for speaker, (person, voice) in SPEAKERS.items():
        for text in (f"a {person} speaking", f"a {voice}", f"a {person} talking"):
            yield Prompt(text=text, kind="speech", speaker=speaker)


def _list_emotion_texts(words: EmotionWords, adjectives: Sequence[str]) -> Iterator[str]:
    """Texts for an emotion of any speaker."""
    for word in adjectives:
        with_article = add_article(word)
        yield from (f"{with_article} voice", f"{word} speech")
        yield from (f"{with_article} person speaking", f"someone sounding {word}")
    yield from (words.noun, f"a voice full of {words.noun}")
    for word in words.adverbs:
        yield from (f"a person speaking {word}", f"speaking {word}")


def _list_music_prompts(include_synonyms: bool) -> Iterator[Prompt]:
    for mood in MOODS:
        for word in (*mood.adjectives, *(mood.synonyms if include_synonyms else ())):
            with_article = add_article(word)
            for text in (
                f"{word} music",
                f"{word} piano music",
                f"{with_article} melody",
                f"{with_article} tune",
            ):
                yield Prompt(text=text, kind="music", mood=(mood.valence, mood.arousal))
    yield from (Prompt(text=text, kind="music") for text in GENERIC_PIANO_TEXTS)
    yield from (
        Prompt(text=text, kind="music", extra_labels=UNRATED_MUSIC_LABELS) for text in GENERIC_MUSIC_TEXTS
    )


def _list_instrument_prompts() -> Iterator[Prompt]:
    for label, texts in INSTRUMENTS.items():
        yield from (Prompt(text=text, kind="instrument", label=label) for text in texts)
    yield from (
        Prompt(text=text, kind="instrument", label="drum", extra_labels=DRUM_LABELS)
        for text in GENERIC_DRUM_TEXTS
    )
