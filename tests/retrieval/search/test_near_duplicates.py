"""Results that show the same are grouped, and others are not."""

import csv
from contextlib import closing

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from library_factory import affect, encoded, new_library, random_rows
from media_factory import float_wav
from PIL import Image
from repository import require_data
from sound_factory import encoded as encoded_sound

from encoders import unit_rows
from retrieval.search import Engine, Query, group_near_duplicates
from retrieval.search.near_duplicates import NEAR_DUPLICATE_COSINES, find_first_duplicates
from retrieval.storage import Library

SPEC = "objects=efficientnet-lite2,activity=,sound=logmel,events=,tone=,faces=,text=minilm,sentiment="
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "retina", "hubble_deep_field")


def find_by_loops(rows_by_view):
    """The same, pair by pair."""
    firsts = []
    for at in range(len(next(iter(rows_by_view.values())))):
        first = None
        for other in (i for i in range(at) if firsts[i] is None):
            cosines = {
                view: float(np.float64(rows[at]) @ np.float64(rows[other]))
                for view, rows in rows_by_view.items()
            }
            known = {view: cosine for view, cosine in cosines.items() if not np.isnan(cosine)}
            if known and all(
                cosine >= NEAR_DUPLICATE_COSINES.get(view, 0.98) for view, cosine in known.items()
            ):
                first = other
                break
        firsts.append(first)
    return firsts


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_each_goes_to_the_first_that_it_duplicates(count, seed):
    rng = np.random.default_rng(seed)
    rows_by_view = {}
    for view in ("object.looks", "audio.sounds", "another"):
        centres = rng.normal(0, 1, (4, 8))[rng.integers(0, 4, count)]
        rows = unit_rows((centres + rng.normal(0, 0.15, (count, 8))).astype(np.float32))
        rows[rng.random(count) < 0.2] = np.nan
        rows_by_view[view] = rows
    assert find_first_duplicates(rows_by_view) == find_by_loops(rows_by_view)


def test_likeness_is_not_passed_on():
    angles = np.radians([0, 20, 40])  # neighbours are alike, the ends are not
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert find_first_duplicates({"object.looks": rows}) == [None, 0, None]


def test_hits_of_two_modalities_are_not_compared(tmp_path):
    rows = np.repeat(random_rows(1, 3), 2, axis=0)
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.commit([encoded("aa", rows[:1]), encoded("bb", rows[:1]), encoded("cc", random_rows(1, 9))])
        library.commit([encoded("dd", rows, modality="video"), encoded("ee", rows[:1], modality="video")])
        with Engine(library) as engine:
            hits = engine.search(Query(item=f"{'cc':0>16}", k=9))
            groups = group_near_duplicates(engine, hits)
            first = {
                hit.id: hits[group].id for hit, group in zip(hits, groups, strict=True) if group is not None
            }
            assert group_near_duplicates(engine, []) == []
    pairs = {frozenset(pair) for pair in first.items()}
    assert pairs == {frozenset({f"{a:0>16}", f"{b:0>16}"}) for a, b in (("aa", "bb"), ("dd", "ee"))}


def search_all(engine):
    """For everything in the library, the name of the file that it goes to."""
    files = {item.modality: item.path for item in engine.library.catalog.list_items()}
    hits = [hit for part in files.items() for hit in engine.search(Query(**dict([part]), k=1000))]
    names = [hit.path.rpartition("/")[2] for hit in hits]
    groups = group_near_duplicates(engine, hits)
    return {
        name: names[group] if group is not None else None for name, group in zip(names, groups, strict=True)
    }


def index_real(media, lib):
    done = affect("index", media, "-l", lib, "--encoders", SPEC, "-j", "1")
    assert done.returncode == 0, done.stderr
    return closing(Library.open(lib))


@pytest.mark.slow
def test_copies_of_real_photos_and_sounds_fold(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    for name in PHOTOS:
        photo = Image.fromarray(getattr(skimage.data, name)()[..., :3])
        width, height = photo.size
        photo.save(media / f"{name}.png")
        photo.save(media / f"{name}.low.jpg", quality=60)
        photo.resize((width * 9 // 10, height * 9 // 10)).save(media / f"{name}.small.png")
        edge = width // 50, height // 50
        photo.crop((*edge, width - edge[0], height - edge[1])).save(media / f"{name}.crop.jpg", quality=90)
    rng = np.random.default_rng(0)
    times = np.arange(4 * 16000) / 16000
    sounds = {
        "noise": rng.normal(0, 0.1, len(times)),
        "beeps": 0.4 * np.sin(2 * np.pi * 900 * times) * (times % 0.5 < 0.2),
        "sweep": 0.3 * np.sin(2 * np.pi * (200 + 400 * times) * times),
    }
    for name, samples in sounds.items():
        float_wav(media / f"{name}.wav", samples, 16000)
        float_wav(media / f"{name}.soft.wav", samples / 2, 16000)
        encoded_sound(media / f"{name}.low.mp3", samples[None], "mp3", "mono", 16000)
    with index_real(media, tmp_path / "lib") as library, Engine(library) as engine:
        firsts = search_all(engine)
    leaders = {}
    for name, first in firsts.items():
        assert first is None or first.partition(".")[0] == name.partition(".")[0]  # no false fold
        leaders.setdefault(name.partition(".")[0], []).append(first is None)
    assert len(leaders) == len(PHOTOS) + len(sounds)
    folded = sum(not alone for group in leaders.values() for alone in group)
    assert folded >= 0.9 * (3 * len(PHOTOS) + 2 * len(sounds)), firsts


@pytest.mark.slow
@pytest.mark.data("flickr1k")
def test_different_photos_do_not_fold(tmp_path):
    folder = require_data("flickr1k") / "flickr1k"
    with next(folder.glob("*.csv")).open(newline="") as stream:
        names = sorted({row["image"] for row in csv.DictReader(stream) if row["split"] == "dev"})
    media = tmp_path / "media"
    media.mkdir()
    for name in names:
        path = folder / name
        (media / path.name).symlink_to(path if path.exists() else folder / "images" / path.name)
    with index_real(media, tmp_path / "lib") as library, Engine(library) as engine:
        firsts = search_all(engine)
    assert len(firsts) == len(names) >= 100 and set(firsts.values()) == {None}
