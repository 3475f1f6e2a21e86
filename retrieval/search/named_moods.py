"""The mood that a text names: "something sad", "a scary picture", "happy music", "an angry voice".

Such words say hardly anything of what is to be seen, and classifiers of sound events don't tell moods. So
the mood is looked for on the valence-arousal plane: alone, or beside the text where that names a sound.
Measured by `python -m experiments.bench mood`. Words of emotion beside other content ("a happy dog") are
content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.search.spelling import QUOTED
from retrieval.search.wording import PROMPT, WORD, singularise
from retrieval.storage import MODALITIES
from spaces.circumplex import LANDMARK_SYNONYMS, LANDMARKS

SOUND_NOUNS = frozenset({
    "music", "song", "melody", "tune", "soundtrack", "ballad", "lullaby", "anthem", "symphony", "piano",
    "guitar", "voice", "sound", "noise", "recording",
})  # fmt: skip
MUSIC_KINDS = frozenset({
    "ambient", "background", "choral", "classical", "dance", "electronic", "film", "folk", "game", "guitar",
    "instrumental", "jazz", "orchestral", "organ", "piano", "pop", "rock", "string", "violin",
})  # fmt: skip
"""Words that may stand between a mood and a sound."""
NOUNS_BY_MODALITY = {
    "image": frozenset({"photo", "photograph", "picture", "pic", "image", "shot", "snapshot"}),
    "video": frozenset({"video", "clip", "film", "movie", "footage"}),
}
GENERIC_WORDS = frozenset({
    "a", "an", "the", "some", "any", "all", "my", "our", "and", "or", "so", "very", "really", "quite",
    "scene", "place", "moment", "mood", "feeling", "atmosphere", "vibe", "stuff", "something", "anything",
    "thing", "file",
}).union(*NOUNS_BY_MODALITY.values())  # fmt: skip
"""Words beside those of mood that name nothing to be seen or heard."""
MUSIC_MOODS = frozenset({
    # Hevner (1936)
    "agitated", "cheerful", "delicate", "depressing", "dignified", "doleful", "dramatic", "dreamy",
    "emphatic", "exciting", "exhilarated", "fanciful", "graceful", "humorous", "impetuous",
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
MOOD_WORDS = (MUSIC_MOODS | LANDMARKS.keys() | LANDMARK_SYNONYMS.keys()) - {"content"}  # mostly a noun


@dataclass(frozen=True, kw_only=True)
class NamedMood:
    """The mood that a text names.

    words:      those of mood
    is_alone:   whether the text names nothing else; of others it names a sound
    modalities: of what is looked for, by the noun: photos, videos, or what can be heard
    """

    words: str
    is_alone: bool
    modalities: tuple[str, ...] = MODALITIES


def parse_named_mood(text: str) -> NamedMood | None:
    """The mood of "sad", "something sad", "a sad picture", "sad piano music", "a sad voice in the dark".

    None where other words come before the noun or in its place ("a sad dog", "less sad music"), and for
    quoted words.
    """
    if QUOTED.search(text):
        return None
    lowered = text.lower()
    words = [
        word if word in MOOD_WORDS else singularise(word) for word in WORD.findall(PROMPT.sub("", lowered))
    ]
    if _list_moods(words) and GENERIC_WORDS.issuperset(_list_others(words)):
        nouns = {singularise(word) for word in WORD.findall(lowered)}
        modalities = tuple(name for name in MODALITIES if nouns & NOUNS_BY_MODALITY.get(name, frozenset()))
        return NamedMood(words=_list_moods(words), is_alone=True, modalities=modalities or MODALITIES)
    for noun in (i for i, word in enumerate(words) if word in SOUND_NOUNS):
        before = words[:noun]
        if _list_moods(before) and (GENERIC_WORDS | MUSIC_KINDS).issuperset(_list_others(before)):
            return NamedMood(words=_list_moods(before), is_alone=False, modalities=("video", "audio"))
    return None


def _list_moods(words: Sequence[str]) -> str:
    return " ".join(word for word in words if word in MOOD_WORDS)


def _list_others(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in MOOD_WORDS]
