"""`affect align`: sound and pictures of a library's own videos on one plane, only where it helps."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from library_factory import TOYS, encoded, random_rows

from encoders.base import AffectError
from retrieval.cli.main import main
from retrieval.features.pipeline import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.custom_heads import ALIGNMENT_KEY, HEADS_FOLDER, list_custom_heads
from retrieval.storage.library import Library
from retrieval.training import align_affect
from retrieval.training.align_affect import Anchors, cross_validate_alignment
from spaces.affect_regression import AffectAlignment
from spaces.alignment import make_closed_form_methods

HEARD = TOYS.replace(sound="", tone="tone")
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])


def quiet(done, count):
    """Nobody watches."""


def pairs(noise, seed=0, videos=20, each=6):
    """Sound is the pictures' plane, turned by a right angle and drawn in."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 0.3, (videos * each, 2))
    sound = 0.5 * image @ TURN + rng.normal(0, noise, image.shape)
    return Anchors(
        audio_affect=sound,
        image_affect=image,
        video_ids=np.repeat([f"film {at}" for at in range(videos)], each),
    )


def test_a_plane_that_is_turned_is_turned_back():
    outcome, taken = cross_validate_alignment(pairs(0.03), seed=0, on_progress=quiet)
    assert (
        outcome.is_used
        and outcome.baseline_ccc < 0.1
        and outcome.aligned_ccc > 0.9
        and outcome.p_value <= 0.002
    )
    assert outcome.gain_interval[0] > 0.5 and outcome.segment_count == 120 and outcome.video_count == 20
    again = pairs(0.0, seed=1)
    rows = np.concatenate([again.audio_affect, np.full((120, 2), 0.1)], axis=1).astype(np.float32)
    rows[0, 0] = np.nan
    found = taken(rows)
    assert (
        np.isnan(found[0]).any()
        and np.abs(found[1:, :2] - np.clip(again.image_affect[1:], -1, 1)).mean() < 0.06
    )
    assert found[1:, 2:] == pytest.approx(0.2, abs=0.04)  # SDs are stretched as the plane is ...
    sure = taken(np.array([[0.1, 0.1, 1e-6, 1e-6]], np.float32))
    assert (sure[0, 2:] >= 0.03).all()  # ... and no surer than the map


def test_sound_that_says_nothing_of_the_pictures_is_left():
    rng = np.random.default_rng(3)
    known = pairs(0.1)
    outcome, taken = cross_validate_alignment(
        replace(known, audio_affect=rng.normal(0, 0.3, (120, 2))), seed=0, on_progress=quiet
    )
    assert not outcome.is_used and taken is None and outcome.gain_interval[0] < 0 and outcome.p_value > 0.05


def test_planes_that_agree_already_are_left():
    known = pairs(0.1)
    rng = np.random.default_rng(4)
    same = replace(known, audio_affect=known.image_affect + rng.normal(0, 0.02, known.image_affect.shape))
    assert not cross_validate_alignment(same, seed=0, on_progress=quiet)[0].is_used


@pytest.mark.parametrize(("videos", "each"), [(4, 30), (20, 1)])
def test_too_little(videos, each):
    outcome, taken = cross_validate_alignment(
        pairs(0.05, videos=videos, each=each), seed=0, on_progress=quiet
    )
    assert taken is None and "too little" in outcome.reason and outcome.gain_interval is None


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


SEEN = HEARD.replace(objects="efficientnet-lite2", text="minilm")


def filmed(folder, turned, videos=10, each=4):
    """A library of videos with random rows of objects and of tone, which the real heads read.

    Each row of tone is chosen, of many, for its affect: with `turned` that of the pictures turned by a right
    angle, else any.
    """
    rng = np.random.default_rng(0)
    with closing(Library.create(folder, SEEN, 15.0)) as library, library.lock_for_writing():
        experts = library.pipeline
        dims = {role: experts.get_encoder(role).card.dim for role in ("objects", "tone")}
        count = videos * each
        objects = np.abs(rng.normal(0.3, 0.3, (count, dims["objects"]))).astype(np.float32)
        tone = rng.normal(0, 1.5, (20 * count, dims["tone"])).astype(np.float32)
        points = experts.estimate_affect_by_modality({"objects": objects})["image"][:, :2]
        heard = experts.estimate_affect_by_modality({"tone": tone})["sound"][:, :2]
        unit = (points - points.mean(axis=0)) / points.std(axis=0)
        wanted = (unit @ TURN if turned else rng.normal(size=points.shape)) * heard.std(axis=0) + heard.mean(
            axis=0
        )
        chosen = np.linalg.norm(wanted[:, None] - heard, axis=2).argmin(axis=1)
        kept = tone[chosen].reshape(videos, each, -1)
        items = [encoded(f"film{at}", objects=np.zeros((each, 16)), modality="video") for at in range(videos)]
        library.commit(
            [
                replace(item, features={"objects": objects.reshape(videos, each, -1)[at], "tone": kept[at]})
                for at, item in enumerate(items)
            ]
        )
    return folder


def test_anchors_are_what_the_senses_say_of_each_segment(tmp_path):
    folder = filmed(tmp_path / "lib", turned=False, videos=3)
    with closing(Library.open(folder)) as library:
        found = align_affect.load_anchors(library)
        segments = library.catalog.execute("SELECT id, item FROM segments ORDER BY item, number")
        assert found.video_ids.tolist() == [row[1] for row in segments]
        for at, (segment, _) in enumerate(segments):
            known = np.array([segment])
            senses = library.pipeline.estimate_affect_by_modality(
                {role: library.vectors.load(role, known) for role in ("objects", "tone")}
            )
            assert found.audio_affect[at] == pytest.approx(senses["sound"][0, :2], abs=1e-5)
            assert found.image_affect[at] == pytest.approx(senses["image"][0, :2], abs=1e-5)
        library.catalog.remove_paths_and_orphans(
            [path for path, known in library.catalog.load_files().items() if "film1" in str(path)]
        )
        assert len(align_affect.load_anchors(library).video_ids) == 8


def test_a_library_of_turned_films_is_aligned_from_end_to_end(tmp_path):
    folder = filmed(tmp_path / "lib", turned=True)
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
    taken = cross_validate_alignment(pairs(0.03), seed=0, on_progress=quiet)[1]
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
    folder = filmed(tmp_path / "lib", turned=True)
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
    folder = filmed(tmp_path / "lib", turned=True)
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


def test_progress_counts_every_map_in_every_fold():
    steps = []
    cross_validate_alignment(pairs(0.03), seed=0, on_progress=lambda done, count: steps.append((done, count)))
    assert steps == [(done, 24) for done in range(25)]


def test_taken_and_undone(lib, monkeypatch):
    before, signature = plane(lib)
    outcome, taken = cross_validate_alignment(pairs(0.03), seed=0, on_progress=quiet)
    monkeypatch.setattr(align_affect, "cross_validate_alignment", lambda found, **kept: (outcome, taken))
    monkeypatch.setattr(align_affect, "load_anchors", lambda library: pairs(0.03))
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
    outcome, taken = cross_validate_alignment(pairs(0.03), seed=0, on_progress=quiet)
    monkeypatch.setattr(align_affect, "cross_validate_alignment", lambda found, **kept: (outcome, taken))
    monkeypatch.setattr(align_affect, "load_anchors", lambda library: pairs(0.03))
    CliRunner().invoke(main, ["align", "-l", str(lib)])
    for file in (lib / HEADS_FOLDER).glob("*.safetensors"):
        file.unlink()
    with pytest.raises(AffectError, match="no map can be read"):
        Library.open(lib)
    assert CliRunner().invoke(main, ["align", "-l", str(lib), "--undo"]).exit_code == 0
    Library.open(lib).close()


def test_an_alignment_that_is_none(tmp_path):
    known = pairs(0.05)
    fitted = make_closed_form_methods()["similarity"].fit(known.audio_affect, known.image_affect)
    from spaces.affect_regression import load_alignment
    from spaces.alignment import save_map

    save_map(tmp_path / "x.safetensors", fitted, {"other": 1})
    with pytest.raises(AffectError, match="no alignment of affect"):
        load_alignment(tmp_path / "x.safetensors")
    assert isinstance(
        AffectAlignment(mapping=fitted, sd_factors=(1.0, 1.0), residual_sds=(0.1, 0.1)), AffectAlignment
    )
