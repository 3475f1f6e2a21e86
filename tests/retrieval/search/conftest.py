"""A library of toy rows with its engine, and an empty one."""

from contextlib import closing

import pytest
from library_factory import flicker, gallery, hum, index, new_library
from mood_library import FACED, filled

from retrieval.search.engine import Engine
from retrieval.storage.library import Library


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder of real media, its library and an engine over it."""
    folder = tmp_path_factory.mktemp("shelf")
    media = gallery(folder / "media", photos=30)
    for seed in range(4):
        flicker(media / f"flicker{seed}.gif", seed + 10)
        hum(media / f"hum{seed}.wav", 600 + 1000 * seed)
    index(folder / "lib", media)
    with closing(Library.open(folder / "lib")) as library, Engine(library) as engine:
        yield media, engine


@pytest.fixture
def empty(tmp_path):
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        yield library


@pytest.fixture(scope="session")
def moods(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("moods") / "lib", FACED)


@pytest.fixture
def engine(moods):
    with closing(Library.open(moods)) as library, Engine(library) as found:
        yield found
