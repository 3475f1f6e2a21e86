"""Libraries of synthetic pictures with captions, and heads trained on them."""

import csv
from contextlib import closing
from dataclasses import replace

import numpy as np
from library_factory import DIM, encoded, new_library

from encoders.toy import toy_text
from retrieval.provenance import record_provenance
from retrieval.storage.custom_heads import list_custom_heads
from retrieval.storage.library import Library
from retrieval.training.captions_csv import CaptionedFile
from retrieval.training.train_heads import install_better_heads, train_spaces
from retrieval.training.training_data import prepare_training_data

PROVENANCE = record_provenance(["affect", "train"], seed=0, data_digest="0f1e")
WORDS = ["red", "green", "blue", "round", "square", "striped", "tiny", "giant"]
COUNT = 120


def draw_word_pairs(rng):
    """Two words an item, each pair once or twice."""
    both = [(one, other) for one in range(len(WORDS)) for other in range(one)]
    return [both[at] for at in rng.permutation(len(both) * 5)[:COUNT] % len(both)]


def make_captioned_library(folder, *, meaningful=True, count=COUNT, media=None):
    """A library of pictures whose rows are a turned sum of their words' vectors, and its captions."""
    rng = np.random.default_rng(0)
    chosen = draw_word_pairs(rng)[:count]
    turn = rng.standard_normal((DIM, DIM))
    said = [f"{WORDS[one]} {WORDS[other]} number{at}" for at, (one, other) in enumerate(chosen)]
    rows = toy_text().encode([" ".join(WORDS[word] for word in pair) for pair in chosen]) @ turn
    rows += rng.standard_normal(rows.shape) * 0.1
    if not meaningful:
        rows = rng.standard_normal(rows.shape)
    items = [encoded(f"{at}", objects=row[None]) for at, row in enumerate(rows)]
    if media is not None:  # where there are files of these names, all empty
        items = [replace(one, path=media / one.path.name) for one in items]
        for one in items:
            one.path.touch()
    with closing(new_library(folder)) as library, library.lock_for_writing():
        library.commit(items)
    return [
        CaptionedFile(name=str(one.path), path=one.path, captions=(caption,), split="train", group="")
        for one, caption in zip(items, said, strict=True)
    ]


def train_and_install(folder, told, **options):
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        found = prepare_training_data(library, told)
        trained = train_spaces(found, seed=0, on_progress=lambda *step: None, **options)
        return {one.space: one for one in install_better_heads(library, trained, PROVENANCE)}


def list_own_heads(folder):
    with closing(Library.open(folder)) as library:
        return list_custom_heads(library.catalog)


def write_captions(folder, told):
    """A table of captions beside a library; media by the paths they have."""
    table = folder.parent / "captions.csv"
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("media", "caption", "split"))
        writer.writerows((one.name, caption, one.split) for one in told for caption in one.captions)
    return table
