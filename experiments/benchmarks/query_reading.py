"""How a query's words are read: generated typing errors put right, other languages told from English."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import click
import numpy as np

from encoders import EnglishTextEncoder
from experiments.datasets import DATA_ROOT, load_named_dataset
from experiments.statistics.report import BenchmarkReport, Cell, add_seed_option, json_option, print_report
from retrieval.evaluation import Estimate, compute_proportion_interval
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.search.language import is_foreign
from retrieval.search.query_text import MOOD_WORDS, list_label_words
from retrieval.search.spelling import KEYBOARD_ROWS, MIN_WORD_LENGTH, are_neighbours, correct_spelling
from retrieval.search.wording import WORD

QUERIES_FILE = "reading_queries.tsv"  # of our own: short queries in 22 languages, English ones with names
LETTERS = "".join(KEYBOARD_ROWS)
ERRORS_BY_WORD = 2  # of each kind, drawn at random
ENCODERS = "sound=,tone=,faces=,activity="  # what does not name classes is left out


@click.command("reading", short_help="Typing errors put right; other languages told from English.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@add_seed_option
@json_option
def command(data: Path, seed: int, as_json: bool) -> None:
    """One typing error a word, in words of 4 letters and more of ImageNet's and AudioSet's labels, of the
    mood landmarks and of flickr1k's dev captions: an error of a random letter or a neighbouring key, a letter
    omitted, swapped, or doubled. Right is the word itself or its plural. Then the share of texts that are
    taken for another language: of English ones none should be.
    """
    pipeline = FeaturePipeline(PipelineConfig.parse(ENCODERS))
    encoder = pipeline.get_encoder("text")
    assert isinstance(encoder, EnglishTextEncoder)
    label_words = list_label_words(pipeline)

    def is_known(word: str) -> bool:
        return word in encoder.vocabulary or word in label_words

    captions = load_captions(data)
    outcomes = measure_corrections(
        {"labels": label_words, "moods": MOOD_WORDS, "captions": list_words(captions)},
        lambda word: correct_spelling(word, is_known, label_words | MOOD_WORDS)[0],
        random.Random(seed),
    )
    by_text = {
        "flickr1k's dev captions": captions,
        "free-exercise-db's names": load_texts(data, "exercise_activity"),
        "English with foreign names": [text for language, text in read_queries() if language == "en"],
        "other languages": [text for language, text in read_queries() if language != "en"],
    }
    foreign = {name: [is_foreign(text, is_known) for text in texts] for name, texts in by_text.items()}
    rows = [_make_row("put right", name, hits) for name, hits in outcomes.items()]
    rows += [_make_row("taken for another language", name, hits) for name, hits in foreign.items()]
    print_report(BenchmarkReport(benchmark="reading", settings={"seed": seed}, rows=rows), as_json=as_json)


def load_captions(data_root: Path) -> list[str]:
    """The captions of flickr1k's dev photos."""
    photos = load_named_dataset("flickr1k", data_root).select_splits("dev")
    return [caption for item in photos.items for caption in item.captions]


def load_texts(data_root: Path, name: str) -> list[str]:
    """The captions of all items of a set."""
    return [caption for item in load_named_dataset(name, data_root).items for caption in item.captions]


def list_words(texts: Iterable[str]) -> set[str]:
    """The words of texts in lower case."""
    return {word for text in texts for word in WORD.findall(text.lower())}


def read_queries() -> list[tuple[str, str]]:
    """(language, text) of our own queries."""
    lines = (files("experiments.benchmarks") / QUERIES_FILE).read_text(encoding="utf-8").splitlines()
    return [(row["language"], row["text"]) for row in csv.DictReader(lines, delimiter="\t")]


def measure_corrections(
    words_by_source: Mapping[str, Iterable[str]], correct: Callable[[str], str], rng: random.Random
) -> dict[str, list[bool]]:
    """By source of words and by kind of error, whether each typing error was put right."""
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for source, words in words_by_source.items():
        for word in sorted(word for word in words if len(word) >= MIN_WORD_LENGTH):
            for kind, typed in generate_typing_errors(word, rng):
                is_right = correct(typed).removesuffix("s") == word.removesuffix("s")
                outcomes[f"words of {source}"].append(is_right)
                outcomes[kind].append(is_right)
    return outcomes


def generate_typing_errors(word: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """(kind, typed) of ERRORS_BY_WORD errors of each kind; those that change nothing are left out."""
    for _ in range(ERRORS_BY_WORD):
        at = rng.randrange(len(word) - 1)
        before, letter, following, rest = word[:at], word[at], word[at + 1], word[at + 2 :]
        near = rng.choice([key for key in LETTERS if are_neighbours(key, letter)] or LETTERS)
        other = rng.choice(LETTERS)
        for kind, typed in {
            "swapped": f"{before}{following}{letter}{rest}",
            "omitted": f"{before}{following}{rest}",
            "doubled": f"{before}{letter}{letter}{following}{rest}",
            "neighbouring key": f"{before}{near}{following}{rest}",
            "any letter": f"{before}{other}{following}{rest}",
            "added": f"{before}{near}{letter}{following}{rest}",
        }.items():
            if typed != word:
                yield kind, typed


def _make_row(what: str, name: str, hits: list[bool]) -> dict[str, Cell]:
    share = Estimate(float(np.mean(hits)), *compute_proportion_interval(hits))
    return {"what": what, "of": name, "number": str(len(hits)), "share": share}
