"""Words for the sounds of the training clips: animals, emotions of speech, moods of music, instruments."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class AnimalWords:
    """Words for an animal.

    participle, noun: of its call; other_participles: of its other calls
    extra_phrases: other descriptions of the sound
    synonyms: held out of training where retrieval by unseen words is measured
    """

    participle: str
    noun: str
    other_participles: tuple[str, ...]
    extra_phrases: tuple[str, ...]
    synonyms: tuple[str, ...]
    plural: str = ""


@dataclass(frozen=True, kw_only=True)
class EmotionWords:
    """Words for an acted emotion, `noun` its name; `synonyms` as for an animal."""

    noun: str
    adjectives: tuple[str, ...]
    adverbs: tuple[str, ...]
    synonyms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MoodWords:
    """Words for a mood of music and its affect in standard deviations (Russell 1980); `synonyms` likewise."""

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

# Instruments and other sounds, so that not every sound matches an animal, a voice or a piano.
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
