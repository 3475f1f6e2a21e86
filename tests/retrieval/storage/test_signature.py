"""A library goes with the encoders it was made by."""

import json
from contextlib import closing

from library_factory import affect
from stored_library import refused

from retrieval.storage.library import Library


def test_a_library_of_other_encoders_is_refused(lib):
    with closing(Library.open(lib)) as library, library.catalog.transaction():
        made = json.loads(library.catalog.get_meta("signature"))
        library.catalog.set_meta("signature", json.dumps({**made, "objects": "clip/512/abc"}))
    for words in (["search", "--item", "00000000000000aa"], ["index", lib.parent], ["rebuild"]):
        said = refused(lib, *words)
        assert "other encoders" in said and "clip/512/abc" in said


def test_without_its_encoders_a_library_can_be_looked_at_and_emptied(lib):
    with closing(Library.open(lib)) as library, library.catalog.transaction():
        library.catalog.set_meta(
            "recipe", library.catalog.get_meta("recipe").replace("toy-frames", "gone-frames")
        )
    assert "gone-frames" in refused(lib, "search", "--item", "00000000000000aa")
    for words in (["info"], ["list"], ["verify"], ["remove", "00000000000000aa"]):
        done = affect(*words, "--library", lib)
        assert (done.returncode, done.stderr) == (0, ""), done


def test_other_encoders_for_a_library_that_is_there_are_refused(lib):
    said = refused(
        lib, "index", lib.parent, "--encoders", "objects=toy-frames,sound=,events=,tone=,faces=,text="
    )
    assert "made with the encoders" in said
    assert "made with segments of 15 s" in refused(lib, "index", lib.parent, "--segment", "5")
