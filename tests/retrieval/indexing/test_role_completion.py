"""A library made before a role of sound came gets its rows by indexing again, from its sound alone."""

import json
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from decoding_record import record_decoded_segments
from library_factory import ROOT, TOYS, affect, clip, flicker, painted, wrong_with
from media_factory import float_wav

from retrieval.features import PipelineConfig
from retrieval.indexing import Indexer, IndexProgress, RoleCompleter, role_completion
from retrieval.search import Engine, Query
from retrieval.storage import Library, round_span

RATE = 16000
OLD = TOYS  # the roles there were, without "events"
FRESH = PipelineConfig(**{**TOYS, "events": "yamnet"})
RUN = """
import sys
from pathlib import Path
from retrieval.features import batching
from retrieval.indexing import IndexProgress, RoleCompleter
from retrieval.storage import Library
batching.BATCH_AUDIO_SECONDS = 1
library = Library.open(Path(sys.argv[1]))
with library.lock_for_writing():
    def show(counts):
        print(counts.completion.read, flush=True)
        if counts.completion.read == 2:
            sys.stdin.read()  # stands still to be killed

    RoleCompleter(library, IndexProgress(), show).read_media(1)
"""


def make_noise(seconds, seed):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE))


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A photo, a film with sound, one without, a sound of two segments, three short ones, and silence."""
    folder = tmp_path_factory.mktemp("media")
    painted(folder / "photo.png", 1)
    clip(folder / "film.mp4", seconds=3, sound=3)
    flicker(folder / "mute.gif", 3)
    float_wav(folder / "long.wav", np.concatenate([make_noise(16, 1), np.zeros(10 * RATE)]), RATE)
    for seed in range(3):
        float_wav(folder / f"short{seed}.wav", make_noise(2, 10 + seed), RATE)
    float_wav(folder / "silent.wav", np.zeros(2 * RATE), RATE)
    return folder


def make_library(folder, media, config):
    with closing(Library.create(folder, config, 15.0)) as library, library.lock_for_writing():
        Indexer(library, lambda counts: None).run([media], 1)
    return folder


def make_old(folder, media):
    """A library as a version before "events" made it."""
    make_library(folder, media, OLD)
    with closing(Library.open(folder)) as library, library.catalog.transaction():
        recipe = json.loads(library.recipe)
        assert recipe.pop("events") == ""
        library.catalog.set_meta("recipe", json.dumps(recipe))
    return folder


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, media):
    return make_library(tmp_path_factory.mktemp("fresh") / "lib", media, FRESH)


@pytest.fixture
def old(tmp_path, media):
    return make_old(tmp_path / "lib", media)


def read_rows(folder):
    """{(item, start): {row file: row}}."""
    with closing(Library.open(folder)) as library:
        segments = list_segments(folder)
        rows = {name: library.vectors.load(name, np.arange(len(segments))) for name in list_files(library)}
        return {
            (item, start): {name: of[i] for name, of in rows.items() if not np.isnan(of[i]).any()}
            for i, (item, start, _) in enumerate(segments)
        }


def list_files(library):
    return list(library.catalog.list_vector_files())


def list_segments(folder):
    """(item, start, end) of every segment."""
    with closing(Library.open(folder)) as library:
        columns = library.vectors.open_columns()
        items = columns.ids[columns.item_by_segment].astype(str)
        return [(item, *round_span(span)) for item, span in zip(items, columns.spans, strict=True)]


def search(folder):
    """Path, start and score of what is like each sound and video."""
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        return search_by_items(engine)


def search_by_items(engine):
    items = sorted(item.id for item in engine.library.catalog.list_items() if item.modality != "image")
    answers = [engine.search(Query(item=item, k=9)) for item in items]
    assert any(hit.space_scores["audio"] for hits in answers for hit in hits)
    return [[(hit.path, hit.start, hit.score) for hit in hits] for hits in answers]


def complete(folder, on_progress=lambda counts: None):
    """One run; its counts."""
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        completer = RoleCompleter(library, IndexProgress(), on_progress)
        completer.read_media(1)
        if completer.must_install:
            completer.install()
        return completer._completion


def check_equal(folder, other):
    """Both hold the same rows, to float16, and find the same."""
    ours, theirs = read_rows(folder), read_rows(other)
    assert ours.keys() == theirs.keys()
    for segment, rows in theirs.items():
        assert ours[segment].keys() == rows.keys(), segment
        for name, row in rows.items():
            np.testing.assert_allclose(ours[segment][name], row, atol=2e-3, err_msg=f"{segment} {name}")
    for hits, expected in zip(search(folder), search(other), strict=True):
        assert [hit[:2] for hit in hits] == [hit[:2] for hit in expected]
        np.testing.assert_allclose([hit[2] for hit in hits], [hit[2] for hit in expected], atol=2e-3)


def test_indexing_again_gives_the_rows_of_a_fresh_library(old, fresh, media, monkeypatch):
    segments, decoded = list_segments(old), record_decoded_segments(monkeypatch)
    done = affect("index", media, "--library", old, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    counts = json.loads(done.stdout)
    assert counts["unchanged"] == 8 and counts["indexed"] == 0
    assert counts["added_roles"] == {"roles": ["events"], "items": 5, "missing": 0, "left_out": []}
    assert len(decoded) == 6 and all(segment.frames is None for segment in decoded)
    assert list_segments(old) == segments and wrong_with(old) == []
    check_equal(old, fresh)
    with closing(Library.open(old)) as library:
        assert library.config == FRESH
    again = affect("index", media, "--library", old)
    assert again.returncode == 0 and "read again" not in again.stdout
    assert len(decoded) == 6


def test_the_summary_names_what_was_read(old, media):
    done = affect("index", media, "--library", old)
    assert "5 items read again for: events" in done.stdout


def test_a_library_whose_maker_left_the_role_out_stays(tmp_path, media):
    made = make_library(tmp_path / "lib", media, OLD)
    assert json.loads(affect("index", media, "--library", made, "--json").stdout)["added_roles"] is None
    with closing(Library.open(made)) as library:
        assert "events" not in library.pipeline.media_roles


def test_a_library_whose_maker_was_not_asked_gets_the_role(tmp_path, media):
    made = make_library(tmp_path / "lib", media, OLD)  # as the version that had the role on request only
    with closing(Library.open(made)) as library:
        library.catalog.execute("DELETE FROM meta WHERE key = 'roles'")
    assert affect("index", media, "--library", made).returncode == 0
    with closing(Library.open(made)) as library:
        assert "events" in library.pipeline.media_roles


def test_encoders_on_the_command_line_add_no_role(old, media):
    spec = ",".join(f"{role}={name}" for role, name in OLD.items())
    assert affect("index", media, "--library", old, "--encoders", spec).returncode == 0
    with closing(Library.open(old)) as library:
        assert "events" not in json.loads(library.recipe)


def test_an_interrupted_run_is_searched_as_before_and_goes_on(old, fresh):
    before = search(old)
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, old], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    counts = iter(run.stdout.readline, "")
    while int(next(counts)) < 2:  # with batches of a second each file is committed by itself
        pass
    run.kill()
    run.communicate()
    with closing(Library.open(old)) as library:
        stored = library.catalog.list_vector_files()["events"].count
    assert 0 < stored < 6
    assert search(old) == before and wrong_with(old) == []
    assert 0 < complete(old).to_read < 5
    check_equal(old, fresh)


def test_ctrl_c_commits_what_is_encoded(old, fresh, monkeypatch):
    def interrupt(counts):
        if counts.completion.read == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("retrieval.features.batching.BATCH_AUDIO_SECONDS", 1)
    with pytest.raises(KeyboardInterrupt):
        complete(old, interrupt)
    assert complete(old).to_read == 2
    check_equal(old, fresh)


def test_rows_of_another_encoder_are_dropped(old, fresh):
    with closing(Library.open(old)) as library, library.catalog.transaction():
        library.vectors.append("events", np.ones((1, 3), np.float32), np.array([0]))
        earlier = {"roles": {"events": {"signature": "another", "items_without_rows": []}}, "generation": "1"}
        library.catalog.set_meta("added_roles", json.dumps(earlier))
    assert complete(old).read == 5
    check_equal(old, fresh)


def test_an_engine_that_is_open_meanwhile_goes_on(old, fresh):
    expected = search(fresh)
    with closing(Library.open(old)) as library, Engine(library) as engine:
        assert search_by_items(engine) != expected
        complete(old)
        answers = search_by_items(engine)
    for hits, wanted in zip(answers, expected, strict=True):
        np.testing.assert_allclose([hit[2] for hit in hits], [hit[2] for hit in wanted], atol=2e-3)


def test_the_kind_of_index_is_kept(old, media):
    assert affect("rebuild", "--library", old, "--index", "annoy").returncode == 0
    assert affect("index", media, "--library", old).returncode == 0
    facts = json.loads(affect("info", "--library", old, "--json").stdout)
    assert facts["index"] == "annoy" and facts["encoders"]["events"] == "yamnet"
    assert json.loads(affect("verify", "--library", old, "--json").stdout)["problems"] == []


def test_a_rebuild_in_between_keeps_the_rows(old, fresh):
    with closing(Library.open(old)) as library, library.lock_for_writing():
        RoleCompleter(library, IndexProgress(), lambda counts: None).read_media(1)
        library.rebuild()
    assert complete(old).to_read == 0
    check_equal(old, fresh)


def test_a_missing_file_keeps_its_item_and_is_read_when_it_is_back(tmp_path, media, fresh):
    place = tmp_path / "media"
    place.mkdir()
    for file in media.iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    old = make_old(tmp_path / "lib", place)
    (place / "short1.wav").rename(tmp_path / "away.wav")
    counts = complete(old)
    assert (counts.read, counts.missing) == (4, 1) and wrong_with(old) == []
    missing = {key for key, rows in read_rows(fresh).items() if rows.keys() != read_rows(old)[key].keys()}
    assert len(missing) == 1
    (tmp_path / "away.wav").rename(place / "short1.wav")
    assert complete(old).read == 1
    ours, theirs = read_rows(old), read_rows(fresh)
    assert {key: rows.keys() for key, rows in ours.items()} == {
        key: rows.keys() for key, rows in theirs.items()
    }


def test_other_segments_are_left_out_and_told_once(old):
    path = old / "rows" / "1" / "segment_spans.f8"
    spans = np.fromfile(path).reshape(-1, 2)
    spans[(spans[:, 0] == 0) & (spans[:, 1] == 2), 0] += 1
    spans.tofile(path)
    counts = complete(old)
    assert (counts.read, len(counts.left_out)) == (2, 3)
    assert set(counts.left_out.values()) == {role_completion.OTHER_SEGMENTS}
    assert complete(old).to_read == 0


def test_spans_are_matched_within_a_millisecond():
    segments = {4: np.array([0.0, 15.0]), 7: np.array([15.0, 20.5])}
    assert role_completion.match_segments(segments, [(15.0004, 20.4996)]) == [7]
    assert role_completion.match_segments(segments, [(0.0, 15.0), (15.0, 20.0)]) is None
    assert role_completion.match_segments({}, [(0.0, 1.0)]) is None
