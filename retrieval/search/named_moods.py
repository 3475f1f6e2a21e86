"""The mood that a text names: "something sad", "the scariest picture", "happy music", "a song that is sad".

Such words say hardly anything of what is to be seen, and classifiers of sound events don't tell moods. So
the mood is looked for on the valence-arousal plane: alone, or beside the text where that names a sound.
Measured by `python -m experiments.bench mood`. Words of emotion beside other content ("a happy dog") are
content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile

from retrieval.search.spelling import QUOTED
from retrieval.search.wording import (
    PROMPT,
    RELATIVE_PRONOUNS,
    SINGULAR_VERBS,
    WORD,
    clean_text,
    reduce_superlative,
    singularise,
    straighten_quotes,
)
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
DEGREE_ADVERBS = ("so", "very", "really", "quite")
GENERIC_WORDS = frozenset({
    *DEGREE_ADVERBS, "a", "an", "the", "some", "any", "all", "my", "our", "and", "or", "most", "scene",
    "place", "moment", "mood", "feeling", "atmosphere", "vibe", "stuff", "something", "anything", "thing",
    "file",
}).union(*NOUNS_BY_MODALITY.values())  # fmt: skip
"""Words beside those of mood that name nothing to be seen or heard."""
COPULAS = frozenset({*SINGULAR_VERBS, *SINGULAR_VERBS.values(), "s"})
"""Verbs between a thing and its mood; "s" is that of "that's"."""
HEARD_MODALITIES = ("video", "audio")
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
    "boring", "chill", "creepy", "dreary", "eerie", "energetic", "epic", "fearful", "furious", "haunting",
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

    "The saddest of songs" and "songs that are sad" name the same. None where other words come before the noun
    or in its place ("a sad dog", "less sad music"), and for quoted words.
    """
    if QUOTED.search(straighten_quotes(text)):
        return None
    words = _list_base_forms(text)
    if _list_moods(words) and not _list_contents(words):
        return NamedMood(words=_list_moods(words), is_alone=True, modalities=find_named_modalities(text))
    for before in _list_words_before_sounds(words):
        if moods := _list_moods(before):
            return NamedMood(words=moods, is_alone=False, modalities=HEARD_MODALITIES)
    return None


def find_named_modalities(text: str) -> tuple[str, ...]:
    """The modalities of what a text looks for, by its noun: "photos", "a video of something", "sad music".

    All of them where it has no such noun, or names other content.
    """
    words = _list_base_forms(text)
    if not _list_contents(words):
        nouns = {singularise(word) for word in WORD.findall(clean_text(text).lower())}
        named = (name for name in MODALITIES if nouns & NOUNS_BY_MODALITY.get(name, frozenset()))
        return tuple(named) or MODALITIES
    return HEARD_MODALITIES if [*_list_words_before_sounds(words)] else MODALITIES


def _list_base_forms(text: str) -> list[str]:
    """The words of a text without its request, as they stand in the lists, a relative clause in front.

    "Play" in front is a request here: nobody who plays is named.
    """
    words = WORD.findall(re.sub(r"^(?:please )?play\b", "", PROMPT.sub("", clean_text(text).lower())))
    return [_find_base_form(word) for word in _front_clause(_drop_partitive(words))]


def _drop_partitive(words: list[str]) -> list[str]:
    """The words without the "of" of a superlative: "the saddest of songs" as "the saddest songs"."""
    return [
        word
        for i, word in enumerate(words)
        if word != "of" or not i or reduce_superlative(words[i - 1]) == words[i - 1]
    ]


def _list_words_before_sounds(words: list[str]) -> Iterator[list[str]]:
    """For each noun of a sound, the words before it if they name no other thing."""
    for i, word in enumerate(words):
        if word in SOUND_NOUNS and (GENERIC_WORDS | MUSIC_KINDS).issuperset(_list_others(words[:i])):
            yield words[:i]


def _front_clause(words: list[str]) -> list[str]:
    """The words with the mood of a relative clause before the noun: "songs that are sad" as "sad songs".

    As they are without such a clause, and where it belongs to another noun than that of a sound ("music for a
    dog that is sad").
    """
    for i, pair in enumerate(pairwise(words)):
        if pair[0] in RELATIVE_PRONOUNS and pair[1] in COPULAS:
            head, clause = words[:i], words[i + 2 :]
            if singularise(head[-1] if head else "") in SOUND_NOUNS or not _list_contents(head):
                moods = list(takewhile(lambda word: not _list_contents([word]), clause))
                return [*moods, *head, *clause[len(moods) :]]
    return words


def _list_contents(words: Iterable[str]) -> list[str]:
    """The words that name something to be seen or heard."""
    return [word for word in _list_others(map(_find_base_form, words)) if word not in GENERIC_WORDS]


def _find_base_form(word: str) -> str:
    """The form under which a word stands in the lists: "songs" as "song", "saddest" as "sad"."""
    return word if word in MOOD_WORDS else reduce_superlative(singularise(word))


def _list_moods(words: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(word for word in words if word in MOOD_WORDS))


def _list_others(words: Iterable[str]) -> list[str]:
    return [word for word in words if word not in MOOD_WORDS]
