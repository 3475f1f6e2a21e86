"""Words for what is heard: animals, emotions of speech, moods of music, instruments; what they match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A text and the clips it tells of: those of this kind and, where they are given, label and speaker.

    kind:    "animal", "speech", "music" or "instrument"
    label:   the animal, the emotion or the instrument; empty for any
    extra_labels: instruments of which it tells besides
    speaker: "man" or "woman"; empty for either
    mood:    valence and arousal in the training pieces' standard deviations; such a prompt matches by degree
    """

    text: str
    kind: str
    label: str = ""
    extra_labels: tuple[str, ...] = ()
    speaker: str = ""
    mood: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class AnimalWords:
    """Words for an animal. calling: what it does, call: the noun, others: more of what it does.

    extra_phrases: other ways to tell of it; synonyms: what figures on words never trained with are measured
        on.
    """

    participle: str
    noun: str
    other_participles: tuple[str, ...]
    extra_phrases: tuple[str, ...]
    synonyms: tuple[str, ...]
    plural: str = ""


@dataclass(frozen=True, kw_only=True)
class EmotionWords:
    """Words for an acted emotion; `synonyms` as for an animal. noun: its name."""

    noun: str
    adjectives: tuple[str, ...]
    adverbs: tuple[str, ...]
    synonyms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MoodWords:
    """Words for a mood of music and its place, in standard deviations (Russell 1980); `synonyms` likewise."""

    valence: float
    arousal: float
    adjectives: tuple[str, ...]
    synonyms: tuple[str, ...] = field(default=())


ANIMALS = {
    "cat": AnimalWords(
        participle="meowing",
        noun="meow",
        other_participles=("purring", "mewing"),
        extra_phrases=("a house cat", "meow", "a tomcat yowling"),
        synonyms=("kitten", "a kitten crying", "a feline"),
    ),
    "dog": AnimalWords(
        participle="barking",
        noun="bark",
        other_participles=("growling", "howling"),
        extra_phrases=("a hound", "woof woof", "a watchdog barking at night"),
        synonyms=("puppy", "a puppy whining", "a terrier yapping"),
    ),
    "bird": AnimalWords(
        participle="chirping",
        noun="chirp",
        other_participles=("singing", "tweeting"),
        extra_phrases=("birdsong", "tweet tweet", "songbirds in the morning"),
        synonyms=("sparrow", "a robin", "a canary warbling"),
    ),
    "cow": AnimalWords(
        participle="mooing",
        noun="moo",
        other_participles=("lowing",),
        extra_phrases=("cattle", "moo", "a herd of cattle"),
        synonyms=("a bull", "calf", "oxen bellowing"),
    ),
    "lion": AnimalWords(
        participle="roaring",
        noun="roar",
        other_participles=("growling",),
        extra_phrases=("a big cat roaring", "the king of beasts", "lions in the savannah"),
        synonyms=("lioness", "a wild cat snarling", "lion cubs"),
    ),
    "sheep": AnimalWords(
        participle="bleating",
        noun="bleat",
        other_participles=("baaing",),
        plural="sheep",
        extra_phrases=("a flock of sheep", "baa baa", "a ram"),
        synonyms=("lamb", "ewe", "a lamb crying for its mother"),
    ),
    "frog": AnimalWords(
        participle="croaking",
        noun="croak",
        other_participles=("calling",),
        extra_phrases=("frogs in a pond at night", "croak croak", "tree frogs"),
        synonyms=("toad", "bullfrog", "a toad ribbiting"),
    ),
    "chicken": AnimalWords(
        participle="clucking",
        noun="cluck",
        other_participles=("cackling",),
        extra_phrases=("a hen", "cluck cluck", "hens in a farmyard"),
        synonyms=("rooster", "a cock crowing", "poultry"),
    ),
    "donkey": AnimalWords(
        participle="braying",
        noun="bray",
        other_participles=("hee-hawing",),
        extra_phrases=("an ass", "hee-haw", "a jackass"),
        synonyms=("mule", "a mule neighing", "burro"),
    ),
    "monkey": AnimalWords(
        participle="screeching",
        noun="screech",
        other_participles=("chattering", "howling"),
        extra_phrases=("a primate", "monkeys in the jungle", "a screeching macaque"),
        synonyms=("ape", "chimpanzee", "a baboon screaming"),
    ),
}

EMOTIONS = {
    "neutral": EmotionWords(
        noun="neutrality", adjectives=("neutral", "emotionless"), adverbs=("neutrally", "without emotion"),
        synonyms=("monotone",),
    ),
    "calm": EmotionWords(
        noun="calmness",
        adjectives=("calm", "relaxed"), adverbs=("calmly", "gently"), synonyms=("serene", "peaceful")
    ),
    "happy": EmotionWords(
        noun="happiness", adjectives=("happy", "cheerful", "joyful"), adverbs=("happily", "cheerfully"),
        synonyms=("delighted", "glad"),
    ),
    "sad": EmotionWords(
        noun="sadness", adjectives=("sad", "unhappy", "sorrowful"), adverbs=("sadly", "tearfully"),
        synonyms=("mournful", "grieving"),
    ),
    "angry": EmotionWords(
        noun="anger",
        adjectives=("angry", "mad"), adverbs=("angrily", "in anger"), synonyms=("furious", "enraged")
    ),
    "fearful": EmotionWords(
        noun="fear", adjectives=("fearful", "scared", "afraid"), adverbs=("fearfully", "anxiously"),
        synonyms=("terrified", "frightened"),
    ),
    "disgust": EmotionWords(
        noun="disgust", adjectives=("disgusted", "repulsed"), adverbs=("with disgust", "in disgust"),
        synonyms=("revolted", "grossed out"),
    ),
    "surprised": EmotionWords(
        noun="surprise", adjectives=("surprised", "astonished"), adverbs=("in surprise", "with astonishment"),
        synonyms=("amazed", "shocked"),
    ),
}  # fmt: skip

MOODS = (
    MoodWords(valence=1.2, arousal=0.4, adjectives=("happy", "cheerful", "joyful"), synonyms=("merry",)),
    MoodWords(valence=0.6, arousal=1.2, adjectives=("excited", "energetic", "lively"), synonyms=("upbeat",)),
    MoodWords(valence=0.0, arousal=1.4, adjectives=("fast", "intense"), synonyms=("frantic",)),
    MoodWords(valence=-0.9, arousal=1.1, adjectives=("angry", "aggressive"), synonyms=("furious",)),
    MoodWords(valence=-1.2, arousal=0.6, adjectives=("tense", "scary"), synonyms=("frightening", "ominous")),
    MoodWords(valence=-1.2, arousal=-0.3, adjectives=("dark", "gloomy"), synonyms=("bleak",)),
    MoodWords(
        valence=-1.0, arousal=-0.8, adjectives=("sad", "melancholic"), synonyms=("mournful", "sorrowful")
    ),
    MoodWords(valence=0.0, arousal=-1.4, adjectives=("slow", "sleepy"), synonyms=("drowsy",)),
    MoodWords(
        valence=0.7,
        arousal=-1.1,
        adjectives=("calm", "peaceful", "relaxing"),
        synonyms=("soothing", "serene"),
    ),
)

# Instruments and other sounds, so that not every sound is an animal, a voice or a piano.
INSTRUMENTS = {
    "bass drum": (
        "a bass drum", "a kick drum", "the thump of a bass drum", "a deep drum beat", "bass drum sounds",
    ),
    "snare drum": ("a snare drum", "a snare hit", "a snare drum being hit", "snare drum sounds"),
    "cymbal": (
        "a cymbal", "a hi-hat cymbal", "a hi-hat", "a ride cymbal", "a crash cymbal", "cymbals clashing",
    ),
    "drum": ("a tom drum", "a drum roll", "a single drum stroke"),
    "tabla": ("a tabla", "tabla drums", "Indian drums", "hand drums", "someone playing the tabla"),
    "bell": ("a bell", "a bell ringing", "a chime", "a triangle being struck", "a cowbell"),
    "beat": (
        "a drum beat", "a drum loop", "a rhythm", "a breakbeat", "someone playing the drums", "dance music",
        "techno music", "hip hop beats",
    ),
    "guitar": (
        "a guitar", "an electric guitar", "an acoustic guitar", "guitar music", "a guitar chord",
        "someone playing the guitar",
    ),
    "bass": ("a bass", "a bass guitar", "a synthesiser bass", "a low bass note", "a deep electronic bass"),
    "beep": (
        "an electronic beep", "a beep", "a blip", "electronic sounds", "a computer beeping", "a click",
    ),
    "robot": ("a robot", "robot sounds", "a robotic voice", "a glitching machine"),
    "vinyl": (
        "vinyl crackle", "a vinyl record", "a scratched record", "a turntable", "a record being rewound",
    ),
    "ambient": (
        "an ambient synthesiser", "ambient music", "a drone", "a synthesiser pad", "a humming sound",
        "an eerie atmosphere", "electronic music",
    ),
    "noise": (
        "a sound effect", "a whoosh", "a bang", "a thud", "a finger snap", "something being struck", "noise",
    ),
    "orchestra": (
        "an orchestra", "orchestral music", "a symphony orchestra", "a symphony", "epic film music",
        "film music", "classical music", "the score of a film", "strings and brass", "fantasy game music",
    ),
}  # fmt: skip

DRUM_LABELS = ("bass drum", "snare drum", "cymbal", "drum", "tabla", "beat")
UNRATED_MUSIC_LABELS = ("orchestra", "guitar", "beat", "ambient")  # music, though nobody rated its mood

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


def list_prompts(*, include_synonyms: bool = True) -> list[Prompt]:
    """All prompts, each text once; without `include_synonyms` those words are left for measuring."""
    return [
        *_list_animal_prompts(include_synonyms),
        *_list_speech_prompts(include_synonyms),
        *_list_music_prompts(include_synonyms),
        *_list_instrument_prompts(),
    ]


def add_article(phrase: str) -> str:
    """ "an owl", "a dog"."""
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def _list_animal_prompts(include_synonyms: bool) -> Iterator[Prompt]:
    for name, words in ANIMALS.items():
        for text in (*_list_animal_texts(name, words), *(words.synonyms if include_synonyms else ())):
            yield Prompt(text=text, kind="animal", label=name)
    yield from (Prompt(text=text, kind="animal") for text in GENERIC_ANIMAL_TEXTS)


def _list_animal_texts(name: str, words: AnimalWords) -> Sequence[str]:
    one, many = add_article(name), words.plural or f"{name}s"
    return [
        *dict.fromkeys((name, one, many)),  # "sheep" is its own plural
        f"the sound of {one}",
        f"{name} sounds",
        f"a recording of {one}",
        f"{one} {words.participle}",
        f"{add_article(words.participle)} {name}",
        f"the {words.noun} of {one}",
        f"{many} {words.participle}",
        *(f"{one} {other}" for other in words.other_participles),
        *words.extra_phrases,
    ]


def _list_speech_prompts(include_synonyms: bool) -> Iterator[Prompt]:
    for label, words in EMOTIONS.items():
        adjectives = (*words.adjectives, *(words.synonyms if include_synonyms else ()))
        for word in adjectives:
            one = add_article(word)
            for text in (
                f"{one} voice",
                f"{word} speech",
                f"{one} person speaking",
                f"someone sounding {word}",
            ):
                yield Prompt(text=text, kind="speech", label=label)
        for text in (words.noun, f"a voice full of {words.noun}"):
            yield Prompt(text=text, kind="speech", label=label)
        for word in words.adverbs:
            for text in (f"a person speaking {word}", f"speaking {word}"):
                yield Prompt(text=text, kind="speech", label=label)
        for speaker, (person, voice) in SPEAKERS.items():
            told = [t for word in adjectives for t in (f"{word} {person} speaking", f"{word} {voice}")]
            told += [f"{person} speaking {word}" for word in words.adverbs]
            for text in map(add_article, told):
                yield Prompt(text=text, kind="speech", label=label, speaker=speaker)
    yield from (Prompt(text=text, kind="speech") for text in GENERIC_SPEECH_TEXTS)
    for speaker, (person, voice) in SPEAKERS.items():
        for text in (f"a {person} speaking", f"a {voice}", f"a {person} talking"):
            yield Prompt(text=text, kind="speech", speaker=speaker)


def _list_music_prompts(include_synonyms: bool) -> Iterator[Prompt]:
    for mood in MOODS:
        for word in (*mood.adjectives, *(mood.synonyms if include_synonyms else ())):
            one = add_article(word)
            for text in (f"{word} music", f"{word} piano music", f"{one} melody", f"{one} tune"):
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
