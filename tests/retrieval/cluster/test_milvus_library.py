"""A library in Milvus beside one in a folder: the same results, explanations and commands."""

import json
from contextlib import closing

import numpy as np
import pytest
from command_output import answers, bad, ok
from library_factory import ENCODERS, TOYS, affect, encoded, gallery, hum, painted, random_rows
from mood_library import FACED, filled

from encoders import AffectError, unit_rows
from retrieval.cluster import MilvusLibrary, MilvusUrl, find_problems
from retrieval.cluster.schema import INDEX_CHOICES, make_row_collection
from retrieval.cluster.store import make_records
from retrieval.library_kinds import open_library
from retrieval.search.engine import Engine
from retrieval.search.explain import explain_hit
from retrieval.search.query import Query
from retrieval.storage.library import Library

pytestmark = [pytest.mark.slow, pytest.mark.milvus, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    return gallery(tmp_path_factory.mktemp("media") / "media", photos=24)


@pytest.fixture(scope="module")
def both(server, media, tmp_path_factory):
    """The same files in a folder and in Milvus."""
    places = tmp_path_factory.mktemp("lib") / "lib", server.url("both")
    for place in places:
        ok("index", media, "--library", place, "--encoders", ENCODERS)
    return places


def make(server, name, config=TOYS):
    return MilvusLibrary.create(MilvusUrl.parse(server.url(name)), config, 15.0)


def test_the_same_results_and_explanations(both, media):
    with (
        closing(open_library(both[0])) as folder,
        closing(open_library(both[1])) as remote,
        Engine(folder) as first,
        Engine(remote) as second,
    ):
        item = folder.catalog.list_items()[0].id
        queries = [
            *(Query(image=media / f"photo{n}.png") for n in range(0, 24, 5)),
            Query(audio=media / "low.wav"), Query(video=media / "film.mp4"), Query(item=item[:8], k=40),
            Query(image=media / "photo1.png", modalities=("video",)),
            Query(image=media / "photo1.png", audio=media / "high.wav", balance=1),
            Query(image=media / "photo1.png", under=media / "photo2.png", k=40),
            Query(image=media / "photo1.png", under=media, diversify=0.5, fusion="rrf"),
        ]  # fmt: skip
        for query in queries:
            expected, found = first.search(query), second.search(query)
            assert [without_position(hit) for hit in found] == [without_position(hit) for hit in expected]
            assert [explain_hit(second, hit) for hit in found[:3]] == [
                explain_hit(first, hit) for hit in expected[:3]
            ]


def without_position(hit):
    return {**vars(hit), "segment": None}


def test_moods_are_searched_as_in_a_folder(server, tmp_path):
    folder = filled(tmp_path / "lib", FACED)
    with closing(Library.open(folder)) as library, closing(make(server, "moods", FACED)) as remote:
        filled_files = copy_items(library)
        remote.commit(filled_files)
        with Engine(library) as first, Engine(remote) as second:
            for mood in ((0.5, 0.5), (-0.7, 0.2), (0.0, 0.0), (0.3, -0.9)):
                for query in (
                    Query(mood=mood, k=3),
                    Query(mood=mood, k=10),
                    Query(mood=mood, radius=0.4),
                    Query(not_moods=(mood,)),
                    Query(mood=mood, then=((0.1, 0.8),)),
                ):
                    expected, found = first.search(query), second.search(query)
                    assert [(hit.id, hit.affect_match) for hit in found] == [
                        (hit.id, hit.affect_match) for hit in expected
                    ]


def copy_items(library):
    """The files of a library in a folder, as the indexer hands them over."""
    from retrieval.storage.snapshot_loading import load_snapshot

    snapshot = load_snapshot(library)
    files = []
    for record in library.catalog.list_items():
        item = snapshot.resolve_item(record.id)
        segments = snapshot.list_segments(item)
        features = {
            role: rows
            for role in library.pipeline.media_roles
            if (rows := library.vectors.load(role, segments)) is not None
        }
        absent = encoded(record.id, objects=random_rows(len(segments), 0), modality=record.modality)
        dims = {role: library.pipeline.get_encoder(role).card.dim for role in library.pipeline.media_roles}
        rows = {
            role: features.get(role, np.full((len(segments), dim), np.nan, np.float32))
            for role, dim in dims.items()
        }
        files.append(type(absent)(**{**vars(absent), "features": rows}))
    return files


def test_inserting_twice_changes_nothing(server):
    with closing(make(server, "twice")) as library:
        batch = [encoded(f"{n}", objects=random_rows(2, n), modality="video") for n in range(5)]
        library.commit(batch)
        before = library.count_rows(), library.catalog.list_items()
        library.commit(batch)
        library._add_items(batch)  # as after a kill between the rows and the item
        assert (library.count_rows(), library.catalog.list_items()) == before
        assert find_problems(library) == []


def test_what_a_killed_commit_leaves_shows_nowhere_and_is_mended(server, monkeypatch):
    with closing(make(server, "half")) as library:
        library.commit([encoded("a", objects=random_rows(1, 1))])
        late = encoded("b", objects=random_rows(1, 2))
        write, store = library.store.upsert, library.store

        def stop_at_items(collection, records, partition=""):
            if collection.suffix == "items":
                raise KeyboardInterrupt
            write(collection, records, partition)

        with monkeypatch.context() as patched:
            patched.setattr(store, "upsert", stop_at_items)
            with pytest.raises(KeyboardInterrupt):
                library.commit([late])
        with Engine(library) as engine:
            assert {hit.id for hit in engine.search(Query(item="0" * 15 + "a", k=10))} == set()
        assert find_problems(library)
        library.commit([late])
        assert find_problems(library) == [] and library.catalog.count_items_by_modality() == {"image": 2}


def test_commands(both, media, tmp_path):
    url = both[1]
    shown, name = url.partition("?")[0], str(media / "photo2.png")
    assert json.loads(ok("index", media, "--library", url, "--json"))["unchanged"] == 28
    listed = answers(ok("list", "--library", url, "--json"))
    assert [row["path"] for row in listed] == [
        row["path"] for row in answers(ok("list", "-l", both[0], "--json"))
    ]
    info = json.loads(ok("info", "--library", url, "--json"))
    assert info["library"] == shown and info["items"] == {"audio": 2, "image": 24, "video": 2}
    assert "all is well" in ok("verify", "--library", url)
    ok("remove", name, "--library", url)
    assert name not in ok("search", "--image", name, "--library", url)
    assert json.loads(ok("index", media, "--library", url, "--json"))["indexed"] == 1
    assert answers(ok("search", "--image", name, "-l", url, "--json"))[0]["results"][0]["path"] == name
    for words in (["rebuild"], ["align"], ["train", "--undo"], ["map"]):
        assert "works on a library in a folder" in bad(*words, "--library", url)


def test_deleted_moved_and_new_files(server, tmp_path):
    media, url = gallery(tmp_path / "media", photos=6), server.url("moves")
    ok("index", media, "--library", url, "--encoders", ENCODERS)
    (media / "photo0.png").unlink()
    (media / "photo1.png").rename(media / "moved.png")
    painted(media / "new.png", 77)
    hum(media / "new.wav", 333)
    counts = json.loads(ok("index", media, "--library", url, "--json"))
    assert (counts["indexed"], counts["moved"]) == (2, 1)
    paths = {row["path"].rpartition("/")[2] for row in answers(ok("list", "--library", url, "--json"))}
    assert paths == {path.name for path in media.iterdir()} and "all is well" in ok("verify", "-l", url)


def test_rows_of_another_length_are_refused(server):
    with closing(make(server, "dims")) as library:
        library.commit([encoded("a", objects=random_rows(1, 1))])
        with pytest.raises(AffectError, match="17 columns, not 16"):
            library.catalog.add_row_collections({"objects": 17})
        with pytest.raises(AffectError, match="rows of 16 columns, not 17"):
            library.store._ensure(make_row_collection("objects", 17))
    other = server.url("dims")
    message = bad("index", "/tmp", "--library", other, "--encoders", ENCODERS.replace("toy-sound", "logmel"))
    assert "made with the encoders" in message


def test_every_record_is_listed_once(server):
    with closing(make(server, "many")) as library:
        keys = [f"{n * 7919 % 30011:016x}" for n in range(30000)]
        rows = np.zeros((len(keys), 2), np.float32)
        collection = make_row_collection("x.y", 2)
        library.store.ensure([collection])
        library.store.upsert(collection, make_records(keys, rows), "image")
        listed = [record["id"] for record in library.store.iterate(collection, [], batch_size=4096)]
        assert listed == sorted(keys)


@pytest.mark.parametrize("choice", INDEX_CHOICES, ids=lambda choice: choice.kind)
def test_every_kind_of_index_finds_the_nearest(server, choice):
    rows = unit_rows(np.random.default_rng(0).standard_normal((4000, 16)).astype(np.float32))
    queries, keys = rows[:20], [f"{n:016x}" for n in range(len(rows))]
    collection = make_row_collection(f"kind.{choice.kind.lower()}", 16)
    with closing(make(server, f"kind_{choice.kind.lower()}")) as library:
        library.store.ensure([collection])
        library.store.upsert(collection, make_records(keys, rows), "image")
        library.store.build_index(collection, choice, len(rows))
        library.store.load(collection)
        assert library.store.get_index_kind(collection) == choice.kind
        found = library.store.search(collection, queries, 100, "image", choice.kind)
    nearest = np.argsort(-(queries @ rows.T), axis=1)[:, :10]
    hits = [len({keys[row] for row in right} & set(some)) for right, some in zip(nearest, found, strict=True)]
    assert sum(hits) >= 0.95 * nearest.size


def test_no_library_and_no_server(server):
    assert "no library; make one with" in bad("info", "--library", server.url("none"))
    message = bad("search", "x", "--library", "milvus://127.0.0.1:1/none?patience=0")
    assert message.count("\n") == 1 and "does not answer" in message
    assert affect("index", "/nowhere/at/all", "--library", server.url("none")).returncode == 2
