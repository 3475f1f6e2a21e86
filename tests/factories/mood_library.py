"""Libraries of faces whose expression is set, which stand for media whose mood is known."""

from contextlib import closing
from dataclasses import replace

import numpy as np
from click.testing import CliRunner
from library_factory import TOYS, encoded, random_rows

from encoders.face_columns import EMOTIONS, FACE_COLUMNS
from retrieval.cli.main import main
from retrieval.storage.library import Library

FACED = TOYS.replace(faces="mtcnn-fer")
SHOWN = {f"{emotion}{number}": emotion for emotion in EMOTIONS for number in range(3)}


def face(emotion, confidence=1.0):
    """A row of faces (1, 10) that shows one emotion."""
    row = np.full(7, 0.02)
    row[EMOTIONS.index(emotion)] = 0.88
    return np.array([[*row, 1.0, 1.0, confidence]], np.float32)


def faced(name, objects, row):
    item = encoded(name, objects=objects)
    return replace(item, features={**item.features, "faces": row})


def filled(folder, recipe):
    """A library of 21 pictures with faces and random contents, one without a face."""
    rows = random_rows(len(SHOWN) + 1, 5)
    items = [faced(name, rows[at : at + 1], face(one)) for at, (name, one) in enumerate(SHOWN.items())]
    items.append(faced("nobody", rows[-1:], np.full((1, len(FACE_COLUMNS)), np.nan, np.float32)))
    with closing(Library.create(folder, recipe, 15.0)) as library, library.lock_for_writing():
        library.commit(items)
    return folder


def found(folder, *words):
    return CliRunner().invoke(main, ["search", "-l", str(folder), "-k", "3", *words])
