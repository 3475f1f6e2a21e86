"""Tokenisation and vocabulary, for text towers with trained word vectors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, to_printable

PADDING, UNKNOWN, START, END = "<pad>", "<unk>", "<start>", "<end>"  # VSE++'s, in its order of numbers
SPECIAL_TOKENS = (PADDING, UNKNOWN, START, END)
WORD_PATTERN = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
NUMBER_PATTERN = re.compile(r"[-+]?\.?\d")  # beginning of a number

TokenIds = npt.NDArray[np.int64]


def tokenise(sentence: str) -> list[str]:
    """The words of a sentence in lower case, without punctuation."""
    return WORD_PATTERN.findall(sentence.lower())


@dataclass(frozen=True)
class Vocabulary:
    """The words in order of their ids; the first four are padding, unknown, start and end."""

    words: tuple[str, ...]

    @classmethod
    def from_sentences(cls, sentences: Iterable[str], min_count: int = 1) -> Vocabulary:
        """The words that occur at least `min_count` times in the sentences of the training split."""
        counts = Counter(word for sentence in sentences for word in tokenise(sentence))
        return cls((*SPECIAL_TOKENS, *sorted(word for word, count in counts.items() if count >= min_count)))

    @cached_property
    def _id_by_word(self) -> Mapping[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentences: Sequence[str], max_words: int = 64) -> TokenIds:
        """(n, length) token ids from start to end, 0 after the end.

        A sentence is truncated to `max_words` words. Raises ValueError without sentences.
        """
        if not sentences:
            raise ValueError("no sentences to number")
        unknown = self._id_by_word[UNKNOWN]
        rows = [
            [
                self._id_by_word[START],
                *(self._id_by_word.get(word, unknown) for word in tokenise(sentence)[:max_words]),
                self._id_by_word[END],
            ]
            for sentence in sentences
        ]
        table = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for at, row in enumerate(rows):
            table[at, : len(row)] = row
        return table


def read_word_vectors(path: Path, vocabulary: Vocabulary) -> Rows:
    """(words, d) vectors of the vocabulary from a text file: a word and its numbers a line (GloVe, word2vec).

    Words that the file lacks are NaN. Entries of several words, which GloVe's largest file has, are skipped.
    Raises AffectError for a file that can't be read, or without any of the words.
    """
    id_by_word = {word: number for number, word in enumerate(vocabulary.words)}
    vectors: dict[int, Rows] = {}
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for line in lines:
                word, *numbers = line.split() or [""]
                if word in id_by_word and len(numbers) > 1 and NUMBER_PATTERN.match(numbers[0]):
                    vectors[id_by_word[word]] = np.array(numbers, np.float32)
    except (OSError, ValueError) as bad:
        raise AffectError(f"{to_printable(path)}: no word vectors can be read ({bad})") from bad
    widths = {len(vector) for vector in vectors.values()}
    if len(widths) != 1:
        content = "none of the words" if not widths else f"rows of different widths {sorted(widths)}"
        raise AffectError(f"{to_printable(path)}: holds {content}; wanted a word and its numbers a line")
    rows = np.full((len(vocabulary), widths.pop()), np.nan, np.float32)
    for number, vector in vectors.items():
        rows[number] = vector
    return rows
