"""`affect align`: sound and pictures of a library's own videos on one plane, only where it helps."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from film_library import HEARD, ignore_progress, make_anchors, make_film_library
from library_factory import encoded, random_rows

from encoders.base import AffectError
from retrieval.cli.main import main
from retrieval.features.pipeline import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.custom_heads import ALIGNMENT_KEY, HEADS_FOLDER, list_custom_heads
from retrieval.storage.library import Library
from retrieval.training import align_affect
from retrieval.training.align_affect import cross_validate_alignment


@pytest.fixture
def lib(tmp_path):
    """Sounds and silent videos, of which tone rows are random."""
    folder = tmp_path / "lib"
    with closing(Library.create(folder, HEARD, 15.0)) as library, library.lock_for_writing():
        dim = library.pipeline.get_encoder("tone").card.dim
        rng = np.random.default_rng(0)
        items = [encoded(f"sound{at}", sound=random_rows(2, at), modality="audio") for at in range(6)]
        library.commit(
            [
                replace(one, features={"objects": one.features["objects"], "tone": heard})
                for one in items
                for heard in [rng.normal(size=(2, dim)).astype(np.float32)]
            ]
        )
    return folder


def test_a_library_of_turned_films_is_aligned_from_end_to_end(tmp_path):
    folder = make_film_library(tmp_path / "lib", turned=True)
    answer = CliRunner().invoke(main, ["align", "-l", str(folder), "--json"])
    told = json.loads(answer.stdout)["alignment"]
    assert told["segments"] == 40 and told["videos"] == 10
    assert told["taken"] and told["after"] > told["before"] + 0.3, told
    with closing(Library.open(folder)) as library:
        assert ALIGNMENT_KEY in list_custom_heads(library.catalog)
        again = align_affect.load_anchors(library)  # without the map
        assert align_affect.compute_mean_ccc(again.audio_affect, again.image_affect) == pytest.approx(
            told["before"], abs=0.02
        )
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        library.catalog.remove_paths_and_orphans(
            [path for path in library.catalog.load_files() if "film0" not in str(path)]
        )
    answer = CliRunner().invoke(main, ["align", "-l", str(folder)])
    assert "too little" in answer.output
    with closing(Library.open(folder)) as library:
        assert ALIGNMENT_KEY not in list_custom_heads(library.catalog)  # it was of films that are gone


def test_an_alignment_of_another_affect_is_left_out(lib, caplog):
    taken = cross_validate_alignment(make_anchors(0.03), seed=0, on_progress=ignore_progress)[1]
    stale = replace(taken, affect_version="affect-0")
    experts = FeaturePipeline(HEARD, alignment=stale)
    assert experts.affect_model.alignment is None and "run affect align again" in caplog.text


def plane(folder):
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        hits = engine.search(Query(mood=(0.2, 0.2), k=20))
        return {hit.id: hit.affect for hit in hits}, library.catalog.get_meta("signature")


def test_too_few_videos_on_the_command_line(lib):
    before = plane(lib)
    for words in (["--json"], []):
        answer = CliRunner().invoke(main, ["align", "-l", str(lib), *words])
        assert answer.exit_code == 2 and answer.stdout == "" and len(answer.stderr.splitlines()) == 1
        assert answer.stderr.startswith("affect: too little to align on; alignment: 0 segments with sound")
        assert answer.stderr.endswith("of 0 videos (needs 30, of 5)\n")
    assert plane(lib) == before


def test_needs_are_stated_before_work_and_videos_without_anchors_are_named(tmp_path):
    folder = make_film_library(tmp_path / "lib", turned=True)
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        silent = encoded("silent", objects=np.zeros((2, 16)), modality="video")
        dims = {role: library.pipeline.get_encoder(role).card.dim for role in ("objects", "tone")}
        nothing = {role: np.full((2, dim), np.nan, np.float32) for role, dim in dims.items()}
        library.commit([replace(silent, features=nothing)])
    answer = CliRunner().invoke(main, ["align", "-l", str(folder)])
    lines = answer.stderr.splitlines()
    # on a slow machine there are lines of progress too
    stated = [line for line in lines if "so far" not in line and "done in" not in line]
    assert answer.exit_code == 0 and stated == [
        "affect: alignment: 40 segments with sound and pictures, of 10 videos (needs 30, of 5)",
        "affect: 1 video without mood of both sound and pictures: /nowhere/silent.mp4",
    ]


def test_stopped_while_aligning_it_leaves_the_library_as_it_was(tmp_path, monkeypatch):
    folder = make_film_library(tmp_path / "lib", turned=True)
    before = plane(folder)

    def stopped(*step):
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressReporter, "update", stopped)
    answer = CliRunner().invoke(main, ["align", "-l", str(folder)])
    assert answer.exit_code == 130 and answer.stderr.endswith("affect: stopped; the library is as it was\n")
    assert plane(folder) == before and not list((folder / HEADS_FOLDER).glob("*"))


def test_the_help_states_what_is_needed():
    said = " ".join(CliRunner().invoke(main, ["align", "--help"]).output.split())
    assert f"{align_affect.MIN_SEGMENTS} of them, of {align_affect.FOLD_COUNT} videos, are needed" in said


def test_taken_and_undone(lib, monkeypatch):
    before, signature = plane(lib)
    outcome, taken = cross_validate_alignment(make_anchors(0.03), seed=0, on_progress=ignore_progress)
    monkeypatch.setattr(align_affect, "cross_validate_alignment", lambda found, **kept: (outcome, taken))
    monkeypatch.setattr(align_affect, "load_anchors", lambda library: make_anchors(0.03))
    answer = CliRunner().invoke(main, ["align", "-l", str(lib)])
    assert answer.exit_code == 0 and "taken" in answer.output
    after, changed = plane(lib)
    assert changed != signature and after.keys() == before.keys()
    one = next(iter(before))
    rows = np.array([list(before[one].values())], np.float32)
    assert list(after[one].values()) == pytest.approx(taken(rows)[0].tolist(), abs=0.02)
    with closing(Library.open(lib)) as library:
        file = lib / HEADS_FOLDER / list_custom_heads(library.catalog)[ALIGNMENT_KEY]
    assert file.exists()
    assert "own planes" in CliRunner().invoke(main, ["align", "-l", str(lib), "--undo"]).output
    assert plane(lib) == (before, signature) and not file.exists()


def test_a_lost_alignment_is_told_of(lib, monkeypatch):
    outcome, taken = cross_validate_alignment(make_anchors(0.03), seed=0, on_progress=ignore_progress)
    monkeypatch.setattr(align_affect, "cross_validate_alignment", lambda found, **kept: (outcome, taken))
    monkeypatch.setattr(align_affect, "load_anchors", lambda library: make_anchors(0.03))
    CliRunner().invoke(main, ["align", "-l", str(lib)])
    for file in (lib / HEADS_FOLDER).glob("*.safetensors"):
        file.unlink()
    with pytest.raises(AffectError, match="no map can be read"):
        Library.open(lib)
    assert CliRunner().invoke(main, ["align", "-l", str(lib), "--undo"]).exit_code == 0
    Library.open(lib).close()
