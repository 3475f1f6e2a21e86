"""An engine notices what others have written."""

from contextlib import closing

from library_factory import affect, encoded, gallery, index, painted, random_rows
from search_answers import ids, names

from retrieval.search.candidates import CandidateSearch
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.library import Library


def test_an_engine_notices_what_others_and_itself_have_written(empty):
    empty.commit([encoded("aa", random_rows(1, 1)), encoded("bb", random_rows(1, 2))])
    with Engine(empty) as engine:
        assert ids(engine.search(Query(item="00000000000000aa"))) == ["bb"]
        empty.commit([encoded("cc", random_rows(1, 1))])
        assert ids(engine.search(Query(item="00000000000000aa")))[0] == "cc"
        with closing(Library.open(empty.folder)) as other:
            other.commit([encoded("dd", random_rows(1, 3))])
        assert len(engine.search(Query(item="00000000000000aa"))) == 3


def test_an_engine_notices_another_process(shelf, tmp_path):
    media = gallery(tmp_path / "media", photos=3)
    index(tmp_path / "lib", media)
    with closing(Library.open(tmp_path / "lib")) as library, Engine(library) as engine:
        asked = Query(image=painted(tmp_path / "new.png", 60), modalities=("image",))
        assert len(engine.search(asked)) == 3
        painted(media / "new.png", 60)
        assert affect("index", media, "--library", tmp_path / "lib").returncode == 0
        assert names(engine.search(asked))[0] == "new.png"
        assert affect("remove", media / "new.png", "--library", tmp_path / "lib").returncode == 0
        assert len(engine.search(asked)) == 3


def test_a_commit_in_the_middle_of_a_search_waits_for_the_next(empty, monkeypatch):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    with Engine(empty) as engine, closing(Library.open(empty.folder)) as other:
        wanted = engine.search(Query(item="0000000000000a05"))
        find = CandidateSearch.find

        def interrupted(self, *given):
            found = find(self, *given)
            with other.catalog.transaction():
                other.catalog.remove_paths_and_orphans(sorted(other.catalog.load_files())[:3])
            return found

        with monkeypatch.context() as patched:
            patched.setattr(CandidateSearch, "find", interrupted)
            assert engine.search(Query(item="0000000000000a05")) == wanted
        assert engine.snapshot.item_count == 27
