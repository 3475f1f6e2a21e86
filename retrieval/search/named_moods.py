"""The mood that a text names: "something sad", "a scary picture", "happy music", "an angry voice".

Such words say hardly anything of what is to be seen, and classifiers of sound events don't tell moods. So the
mood is looked for on the valence-arousal plane, beside the whole text. Measured by `python -m
experiments.bench mood`. Words of emotion beside other content ("a happy dog") are content.
"""

from __future__ import annotations

from retrieval.search.spelling import QUOTED
from retrieval.search.wording import PREPOSITIONS, WORD, singularise
from spaces.circumplex import LANDMARK_SYNONYMS, LANDMARKS

SOUND_NOUNS = frozenset({
    "music", "song", "melody", "tune", "soundtrack", "theme", "track", "ballad", "lullaby", "anthem",
    "symphony", "instrumental", "piano", "guitar", "voice", "speech", "sound",
})  # fmt: skip
GENERIC_WORDS = frozenset({
    "a", "an", "the", "some", "any", "all", "my", "our", "and", "very", "photo", "photograph", "picture",
    "image", "video", "clip", "film", "movie", "scene", "shot", "place", "moment", "mood", "feeling",
    "atmosphere", "something", "anything", "thing", "file",
})  # fmt: skip
"""Words beside those of mood that name nothing to be seen or heard."""
MUSIC_MOODS = frozenset({
    # Hevner (1936)
    "agitated", "cheerful", "delicate", "depressing", "dignified", "doleful", "dramatic", "dreamy",
    "emphatic", "exciting", "exhilarated", "fanciful", "gay", "graceful", "humorous", "impetuous",
    "joyous", "leisurely", "lofty", "longing", "lyrical", "majestic", "melancholy", "merry", "mournful",
    "passionate", "pathetic", "plaintive", "playful", "pleading", "quaint", "restless", "robust",
    "sensational", "sentimental", "soaring", "sober", "solemn", "soothing", "sprightly", "tender",
    "tragic", "tranquil", "triumphant", "vigorous", "whimsical", "yearning",
    # the clusters of MIREX (Hu and Downie 2007)
    "aggressive", "amiable", "anxious", "autumnal", "bittersweet", "boisterous", "brooding",
    "confident", "fiery", "fun", "intense", "poignant", "quirky", "rollicking", "rousing", "rowdy",
    "silly", "sweet", "visceral", "volatile", "wistful", "witty", "wry",
    # AudioSet (2017) and GEMS (Zentner et al. 2008)
    "funny", "nostalgic", "peaceful", "powerful", "scary",
    # everyday words
    "chill", "creepy", "dreary", "eerie", "energetic", "epic", "fearful", "furious", "haunting",
    "horrifying", "inspiring", "lively", "lonely", "melancholic", "mysterious", "nervous", "ominous",
    "relaxing", "romantic", "sinister", "sorrowful", "spooky", "stressful", "suspenseful", "terrifying",
    "upbeat", "uplifting",
})  # fmt: skip
"""Adjectives for moods of music beside the landmarks of the plane, without those that say how it sounds or
what it is for ("dark", "light", "heavy", "quiet", "sacred", "martial")."""
MOOD_WORDS = MUSIC_MOODS | LANDMARKS.keys() | LANDMARK_SYNONYMS.keys()


def find_named_mood(text: str) -> str | None:
    """The words of mood in a text that names little else, or a sound; None in any other, and in quoted words.

    "sad", "something sad", "a sad picture"; "sad music", "sad piano music", "a sad voice in the dark".
    """
    words = WORD.findall(text.lower())
    moods = [word for word in words if word in MOOD_WORDS]
    others = {singularise(word) for word in words if word not in MOOD_WORDS}
    if moods and others <= GENERIC_WORDS and not QUOTED.search(text):
        return " ".join(moods)
    return find_sound_mood(text)


def find_sound_mood(text: str) -> str | None:
    """The words of mood before the first noun of SOUND_NOUNS; None without, or after a preposition."""
    words = WORD.findall(text.lower())
    noun = next((i for i, word in enumerate(words) if singularise(word) in SOUND_NOUNS), 0)
    if QUOTED.search(text) or not PREPOSITIONS.isdisjoint(words[:noun]):
        return None
    return " ".join(word for word in words[:noun] if word in MOOD_WORDS) or None
