"""The mood that a text names of music or a voice: "happy music", "a sad voice", "calm piano music".

Classifiers of sound events tell what sounds, not how it feels, so that the mood is looked for on the
valence-arousal plane, beside the whole text.
"""

from __future__ import annotations

from retrieval.search.spelling import QUOTED
from retrieval.search.wording import PREPOSITIONS, WORD, singularise
from spaces.circumplex import LANDMARK_SYNONYMS, LANDMARKS

SOUND_NOUNS = frozenset({
    "music", "song", "melody", "tune", "soundtrack", "theme", "track", "ballad", "lullaby", "anthem",
    "symphony", "instrumental", "piano", "guitar", "voice", "speech", "sound",
})  # fmt: skip
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


def find_sound_mood(text: str) -> str | None:
    """The words of mood before the first noun of SOUND_NOUNS in a text; None without, or after a preposition.

    Quoted words name no mood.
    """
    if QUOTED.search(text):
        return None
    words = WORD.findall(text.lower())
    noun = next((i for i, word in enumerate(words) if singularise(word) in SOUND_NOUNS), 0)
    if not PREPOSITIONS.isdisjoint(words[:noun]):
        return None
    return " ".join(word for word in words[:noun] if word in MOOD_WORDS) or None
