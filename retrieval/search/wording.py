"""Wordings that mean the same in a search, brought to one form: "cats", "My cat!" and "a photo of a cat".

The text heads were trained on captions, most of which begin with "A": that form finds as much as the mean
over several templates (prompt ensembling, Radford et al. 2021) and is the simplest. Measured by
`python -m experiments.bench wording`.
"""

from __future__ import annotations

import re
import unicodedata

from retrieval.features import MEDIA_NOUNS, MEDIA_PROMPT

FULLWIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " "}  # letters of East Asian keyboards
QUOTES = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201b": "'", "\u00b4": "'", "`": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"',
})  # fmt: skip
WORD = re.compile(r"[^\W\d_]+")
EDGE_PUNCTUATION = " \t\n!?.,;:…-–—*_~/|()[]{}<>\"'"

_SOUNDS = "sounds?|noises?|recordings?"
_PERCEIVE = "(?:find|have|hear|listen to|see|watch)"
REQUESTS = (
    "(?:show|find|give|get)(?: me)?", "(?:bring|play) me", "(?:i am |i'm )?(?:looking|searching|search) for",
    f"i (?:need|want)(?: to {_PERCEIVE})?", f"(?:i would|i'd) like(?: to {_PERCEIVE})?",
    f"let me {_PERCEIVE}",
)  # fmt: skip
"""Patterns of what comes before the thing that is looked for; "play" alone may be what is to be seen."""
PROMPT = re.compile(rf"^(?:(?:please )?(?:{'|'.join(REQUESTS)}) )?(?:{MEDIA_PROMPT})?")
SOUND_PROMPT = re.compile(rf"^(?:(?:an?|the|some|any|all|my|our) )?(?:{_SOUNDS}) of ")
"""Kept, in one form: it brings a text nearer to those that the audio space was trained on."""
DETERMINERS = (
    "a", "an", "the", "some", "any", "my", "your", "our", "his", "her", "its", "their", "this", "that",
    "these", "those",
)  # fmt: skip
DETERMINER = re.compile(rf"^(?:{'|'.join(DETERMINERS)})\s+")
NO_ARTICLE = frozenset({
    "there", "someone", "somebody", "something", "who", "what", "where", "when", "how", "it", "i", "he",
    "she", "they", "we", "you", "not", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "dozen", "dozens", "several", "many", "few", "both", "all", "every", "each",
    "no", "one", "another", "most", "more", "multiple", "various", "numerous", "couple", "pair", "group",
    "crowd", "bunch", "lots",
})  # fmt: skip
"""Words of a phrase that takes no article: pronouns, and words that say how many."""
PREPOSITIONS = frozenset({
    "in", "on", "at", "of", "with", "by", "to", "from", "for", "near", "over", "under", "through", "behind",
    "beside", "between", "into", "onto", "off", "along", "across", "around", "against", "above", "below",
    "inside", "outside", "up", "down", "during", "after", "before", "without", "and", "or", "nor", "who",
    "which", "that", "is", "are", "was", "were", "while", "as", "being",
})  # fmt: skip
"""Words that end the first noun phrase; so does any word in -ing after a noun."""
MAX_NOUN_PHRASE_WORDS = 4  # words before the first preposition; longer ones hold a verb
SINGULAR_VERBS = {
    "are": "is", "were": "was", "feel": "feels", "look": "looks", "seem": "seems", "sound": "sounds",
}  # fmt: skip
"""Verbs between a thing and what it is like, in the plural and the singular."""
RELATIVE_PRONOUNS = frozenset({"that", "which", "who"})
PLURAL_ONLY = frozenset({
    "people", "police", "clothes", "pants", "jeans", "trousers", "scissors", "shorts", "binoculars",
    "goggles",
})  # fmt: skip
IRREGULAR_PLURALS = re.compile(r"(?:men|women|children|feet|teeth|geese|mice|lice|oxen|people)$")


MEDIA_NOUN = re.compile(
    rf"^(?:(?:an?|the|some|any|all|my|our) )?"
    rf"(?:{MEDIA_NOUNS}|{_SOUNDS}|anything|everything|something|things?)?$"
)


def is_media_noun(text: str) -> bool:
    """Whether a text names no content: "a photo", "show me anything", or nothing."""
    return MEDIA_NOUN.match(PROMPT.sub("", clean_text(text).lower())) is not None


def straighten_quotes(text: str) -> str:
    """Composed (Unicode's normal form C), with ASCII's quotes, and its letters in place of fullwidth ones."""
    return unicodedata.normalize("NFC", text).translate(FULLWIDTH).translate(QUOTES)


def clean_text(text: str) -> str:
    """In one line, without doubled punctuation and, unless all is, any at its ends."""
    line = re.sub(r"\s+", " ", re.sub(r"([!?.,;:])[!?.,;:]+", r"\1", straighten_quotes(text))).strip()
    return line.strip(EDGE_PUNCTUATION) or line


def normalise_wording(text: str) -> str:
    """The form under which a text is searched.

    Lower case, without quotes, "a photo of" and the like; the first noun phrase has the article "a" in place
    of an article, a possessive or nothing, and is singular, unless it is counted ("two dogs").
    """
    plain = clean_text(straighten_quotes(text).replace('"', " ")).lower()
    if sound := SOUND_PROMPT.match(plain):
        return f"the sound of {_normalise_noun_phrase(plain[sound.end() :])}"
    bare = clean_text(PROMPT.sub("", plain, count=1)) or plain
    return _normalise_noun_phrase(bare)


def _normalise_noun_phrase(text: str) -> str:
    """The text with its first noun phrase singular and after "a"; as it is where that can't be told."""
    if text.startswith(("a ", "an ")):
        return text
    words = (DETERMINER.sub("", text, count=1) or text).split(" ")
    end = find_phrase_end(words)
    phrase = words[:end]
    if not phrase or len(phrase) > MAX_NOUN_PHRASE_WORDS or not all(map(_is_plain_word, phrase)):
        return text
    if any(word in NO_ARTICLE or word[0].isdigit() for word in phrase) or _is_participle(phrase[0]):
        return text
    noun = re.sub(r"'s?$", "", phrase[-1])
    head = singularise(noun)
    rest = words[end:] if head == noun else _make_clause_singular(words[end:])
    singular = " ".join([*phrase[:-1], head, *rest])
    if head in PLURAL_ONLY:
        return singular
    return f"{'an' if singular[0] in 'aeiou' else 'a'} {singular}"


def _make_clause_singular(words: list[str]) -> list[str]:
    """The words after a noun that was made singular, with the verb of its relative clause so ("that is sad").

    Another verb stays: to the packaged encoder "some cows are dancing" is nearer to "a cow are dancing" than
    to "a cow is dancing".
    """
    match words:
        case [pronoun, verb, *rest] if pronoun in RELATIVE_PRONOUNS:
            return [pronoun, SINGULAR_VERBS.get(verb, verb), *rest]
    return words


def find_phrase_end(words: list[str]) -> int:
    """Index after the first noun phrase.

    A preposition ends it, a word in -ing after the first, and a verb before an object that has a determiner
    ("dogs chase a cat").
    """
    for i, word in enumerate(words):
        if word in PREPOSITIONS or (i and _is_participle(word)):
            return i
        if i > 1 and word in DETERMINERS:
            return i - 1
    return len(words)


def _is_plain_word(word: str) -> bool:
    return re.fullmatch(r"[^\W_]+(?:[-'][^\W_]*)*", word) is not None


def _is_participle(word: str) -> bool:
    """Whether a word is a verb's form in -ing, unlike "king"."""
    if not word.endswith("ing"):
        return False
    import simplemma

    return simplemma.lemmatize(word, lang="en") != word


def singularise(noun: str) -> str:
    """The singular of an English plural; any other word as it is."""
    if noun in PLURAL_ONLY or not (IRREGULAR_PLURALS.search(noun) or re.search(r"[^su]s$", noun)):
        return noun
    import simplemma

    if not simplemma.is_known(noun, lang="en"):
        return re.sub(r"(?<=[^\W\d_aeiou])s$", "", noun)
    return simplemma.lemmatize(noun, lang="en").lower()


def reduce_superlative(word: str) -> str:
    """The adjective of an English superlative in -est; any other word as it is."""
    if not word.endswith("est"):
        return word
    import simplemma

    return simplemma.lemmatize(word, lang="en").lower()
