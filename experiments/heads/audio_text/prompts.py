"""Words for what is heard: animals, emotions of speech, moods of music, instruments; what they match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A text and the clips it tells of: those of this kind and, where they are given, label and speaker.

    kind:    "animal", "speech", "music" or "instrument"
    label:   the animal, the emotion or the instrument; empty for any
    also:    instruments of which it tells besides
    speaker: "man" or "woman"; empty for either
    mood:    valence and arousal in the training pieces' standard deviations; such a prompt matches by degree
    """

    text: str
    kind: str
    label: str = ""
    also: tuple[str, ...] = ()
    speaker: str = ""
    mood: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Animal:
    """Words for an animal. calling: what it does, call: the noun, others: more of what it does.

    also: other ways to tell of it; synonyms: what figures on words never trained with are measured on.
    """

    calling: str
    call: str
    others: tuple[str, ...]
    also: tuple[str, ...]
    synonyms: tuple[str, ...]
    plural: str = ""


@dataclass(frozen=True, kw_only=True)
class Emotion:
    """Words for an acted emotion; `synonyms` as for an animal. noun: its name."""

    noun: str
    adjectives: tuple[str, ...]
    adverbs: tuple[str, ...]
    synonyms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Mood:
    """Words for a mood of music and its place, in standard deviations (Russell 1980); `synonyms` likewise."""

    valence: float
    arousal: float
    adjectives: tuple[str, ...]
    synonyms: tuple[str, ...] = field(default=())


ANIMALS = {
    "cat": Animal(
        calling="meowing", call="meow", others=("purring", "mewing"),
        also=("a house cat", "meow", "a tomcat yowling"),
        synonyms=("kitten", "a kitten crying", "a feline"),
    ),
    "dog": Animal(
        calling="barking", call="bark", others=("growling", "howling"),
        also=("a hound", "woof woof", "a watchdog barking at night"),
        synonyms=("puppy", "a puppy whining", "a terrier yapping"),
    ),
    "bird": Animal(
        calling="chirping", call="chirp", others=("singing", "tweeting"),
        also=("birdsong", "tweet tweet", "songbirds in the morning"),
        synonyms=("sparrow", "a robin", "a canary warbling"),
    ),
    "cow": Animal(
        calling="mooing", call="moo", others=("lowing",), also=("cattle", "moo", "a herd of cattle"),
        synonyms=("a bull", "calf", "oxen bellowing"),
    ),
    "lion": Animal(
        calling="roaring", call="roar", others=("growling",),
        also=("a big cat roaring", "the king of beasts", "lions in the savannah"),
        synonyms=("lioness", "a wild cat snarling", "lion cubs"),
    ),
    "sheep": Animal(
        calling="bleating", call="bleat", others=("baaing",), plural="sheep",
        also=("a flock of sheep", "baa baa", "a ram"),
        synonyms=("lamb", "ewe", "a lamb crying for its mother"),
    ),
    "frog": Animal(
        calling="croaking", call="croak", others=("calling",),
        also=("frogs in a pond at night", "croak croak", "tree frogs"),
        synonyms=("toad", "bullfrog", "a toad ribbiting"),
    ),
    "chicken": Animal(
        calling="clucking", call="cluck", others=("cackling",),
        also=("a hen", "cluck cluck", "hens in a farmyard"),
        synonyms=("rooster", "a cock crowing", "poultry"),
    ),
    "donkey": Animal(
        calling="braying", call="bray", others=("hee-hawing",), also=("an ass", "hee-haw", "a jackass"),
        synonyms=("mule", "a mule neighing", "burro"),
    ),
    "monkey": Animal(
        calling="screeching", call="screech", others=("chattering", "howling"),
        also=("a primate", "monkeys in the jungle", "a screeching macaque"),
        synonyms=("ape", "chimpanzee", "a baboon screaming"),
    ),
}  # fmt: skip

EMOTIONS = {
    "neutral": Emotion(
        noun="neutrality", adjectives=("neutral", "emotionless"), adverbs=("neutrally", "without emotion"),
        synonyms=("monotone",),
    ),
    "calm": Emotion(
        noun="calmness",
        adjectives=("calm", "relaxed"), adverbs=("calmly", "gently"), synonyms=("serene", "peaceful")
    ),
    "happy": Emotion(
        noun="happiness", adjectives=("happy", "cheerful", "joyful"), adverbs=("happily", "cheerfully"),
        synonyms=("delighted", "glad"),
    ),
    "sad": Emotion(
        noun="sadness", adjectives=("sad", "unhappy", "sorrowful"), adverbs=("sadly", "tearfully"),
        synonyms=("mournful", "grieving"),
    ),
    "angry": Emotion(
        noun="anger",
        adjectives=("angry", "mad"), adverbs=("angrily", "in anger"), synonyms=("furious", "enraged")
    ),
    "fearful": Emotion(
        noun="fear", adjectives=("fearful", "scared", "afraid"), adverbs=("fearfully", "anxiously"),
        synonyms=("terrified", "frightened"),
    ),
    "disgust": Emotion(
        noun="disgust", adjectives=("disgusted", "repulsed"), adverbs=("with disgust", "in disgust"),
        synonyms=("revolted", "grossed out"),
    ),
    "surprised": Emotion(
        noun="surprise", adjectives=("surprised", "astonished"), adverbs=("in surprise", "with astonishment"),
        synonyms=("amazed", "shocked"),
    ),
}  # fmt: skip

MOODS = (
    Mood(valence=1.2, arousal=0.4, adjectives=("happy", "cheerful", "joyful"), synonyms=("merry",)),
    Mood(valence=0.6, arousal=1.2, adjectives=("excited", "energetic", "lively"), synonyms=("upbeat",)),
    Mood(valence=0.0, arousal=1.4, adjectives=("fast", "intense"), synonyms=("frantic",)),
    Mood(valence=-0.9, arousal=1.1, adjectives=("angry", "aggressive"), synonyms=("furious",)),
    Mood(valence=-1.2, arousal=0.6, adjectives=("tense", "scary"), synonyms=("frightening", "ominous")),
    Mood(valence=-1.2, arousal=-0.3, adjectives=("dark", "gloomy"), synonyms=("bleak",)),
    Mood(valence=-1.0, arousal=-0.8, adjectives=("sad", "melancholic"), synonyms=("mournful", "sorrowful")),
    Mood(valence=0.0, arousal=-1.4, adjectives=("slow", "sleepy"), synonyms=("drowsy",)),
    Mood(
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

DRUMS = ("bass drum", "snare drum", "cymbal", "drum", "tabla", "beat")
TUNEFUL = ("orchestra", "guitar", "beat", "ambient")  # music, though nobody rated its mood

SPEAKERS = {"man": ("man", "male voice"), "woman": ("woman", "female voice")}
ANY_ANIMAL = ("an animal", "animal sounds", "animals", "the call of an animal", "an animal making noise")
ANY_SPEECH = ("speech", "a voice", "a person speaking", "someone talking", "a human voice")
ANY_PIANO = ("piano music", "a piano", "someone playing the piano")
ANY_MUSIC = ("music", "a melody", "video game music", "a piece of music", "background music")
ANY_DRUM = ("a drum", "drums", "drumming", "percussion", "a percussion instrument", "drum sounds")


def prompts(*, synonyms: bool = True) -> list[Prompt]:
    """All prompts, each text once; without `synonyms` those words are left for measuring."""
    return [*_animals(synonyms), *_speech(synonyms), *_music(synonyms), *_instruments()]


def with_article(words: str) -> str:
    """ "an owl", "a dog"."""
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _animals(synonyms: bool) -> Iterator[Prompt]:
    for name, words in ANIMALS.items():
        for text in (*_animal_texts(name, words), *(words.synonyms if synonyms else ())):
            yield Prompt(text=text, kind="animal", label=name)
    yield from (Prompt(text=text, kind="animal") for text in ANY_ANIMAL)


def _animal_texts(name: str, words: Animal) -> Sequence[str]:
    one, many = with_article(name), words.plural or f"{name}s"
    return [
        *dict.fromkeys((name, one, many)),  # "sheep" is its own plural
        f"the sound of {one}",
        f"{name} sounds",
        f"a recording of {one}",
        f"{one} {words.calling}",
        f"{with_article(words.calling)} {name}",
        f"the {words.call} of {one}",
        f"{many} {words.calling}",
        *(f"{one} {other}" for other in words.others),
        *words.also,
    ]


def _speech(synonyms: bool) -> Iterator[Prompt]:
    for label, words in EMOTIONS.items():
        adjectives = (*words.adjectives, *(words.synonyms if synonyms else ()))
        for word in adjectives:
            one = with_article(word)
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
            for text in map(with_article, told):
                yield Prompt(text=text, kind="speech", label=label, speaker=speaker)
    yield from (Prompt(text=text, kind="speech") for text in ANY_SPEECH)
    for speaker, (person, voice) in SPEAKERS.items():
        for text in (f"a {person} speaking", f"a {voice}", f"a {person} talking"):
            yield Prompt(text=text, kind="speech", speaker=speaker)


def _music(synonyms: bool) -> Iterator[Prompt]:
    for mood in MOODS:
        for word in (*mood.adjectives, *(mood.synonyms if synonyms else ())):
            one = with_article(word)
            for text in (f"{word} music", f"{word} piano music", f"{one} melody", f"{one} tune"):
                yield Prompt(text=text, kind="music", mood=(mood.valence, mood.arousal))
    yield from (Prompt(text=text, kind="music") for text in ANY_PIANO)
    yield from (Prompt(text=text, kind="music", also=TUNEFUL) for text in ANY_MUSIC)


def _instruments() -> Iterator[Prompt]:
    for label, texts in INSTRUMENTS.items():
        yield from (Prompt(text=text, kind="instrument", label=label) for text in texts)
    yield from (Prompt(text=text, kind="instrument", label="drum", also=DRUMS) for text in ANY_DRUM)
