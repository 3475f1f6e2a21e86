"""The map from sound's mood to the pictures': when it is taken, what it does, and what it is fitted on."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from film_library import ignore_progress, make_anchors, make_film_library

from encoders.base import AffectError
from retrieval.storage.library import Library
from retrieval.training import align_affect
from retrieval.training.align_affect import cross_validate_alignment
from spaces.affect_regression import AffectAlignment
from spaces.alignment import make_closed_form_methods


def test_a_plane_that_is_turned_is_turned_back():
    outcome, taken = cross_validate_alignment(make_anchors(0.03), seed=0, on_progress=ignore_progress)
    assert (
        outcome.is_used
        and outcome.baseline_ccc < 0.1
        and outcome.aligned_ccc > 0.9
        and outcome.p_value <= 0.002
    )
    assert outcome.gain_interval[0] > 0.5 and outcome.segment_count == 120 and outcome.video_count == 20
    again = make_anchors(0.0, seed=1)
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
    known = make_anchors(0.1)
    outcome, taken = cross_validate_alignment(
        replace(known, audio_affect=rng.normal(0, 0.3, (120, 2))), seed=0, on_progress=ignore_progress
    )
    assert not outcome.is_used and taken is None and outcome.gain_interval[0] < 0 and outcome.p_value > 0.05


def test_planes_that_agree_already_are_left():
    known = make_anchors(0.1)
    rng = np.random.default_rng(4)
    same = replace(known, audio_affect=known.image_affect + rng.normal(0, 0.02, known.image_affect.shape))
    assert not cross_validate_alignment(same, seed=0, on_progress=ignore_progress)[0].is_used


@pytest.mark.parametrize(("videos", "each"), [(4, 30), (20, 1)])
def test_too_little(videos, each):
    outcome, taken = cross_validate_alignment(
        make_anchors(0.05, videos=videos, each=each), seed=0, on_progress=ignore_progress
    )
    assert taken is None and "too little" in outcome.reason and outcome.gain_interval is None


def test_anchors_are_what_the_senses_say_of_each_segment(tmp_path):
    folder = make_film_library(tmp_path / "lib", turned=False, videos=3)
    with closing(Library.open(folder)) as library:
        found = align_affect.load_anchors(library)
        segments = [
            (position.first_segment + number, item)
            for item, position in sorted(library.catalog.list_positions())
            for number in range(position.segment_count)
        ]
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


def test_progress_counts_every_map_in_every_fold():
    steps = []
    cross_validate_alignment(
        make_anchors(0.03), seed=0, on_progress=lambda done, count: steps.append((done, count))
    )
    assert steps == [(done, 24) for done in range(25)]


def test_an_alignment_that_is_none(tmp_path):
    known = make_anchors(0.05)
    fitted = make_closed_form_methods()["similarity"].fit(known.audio_affect, known.image_affect)
    from spaces.affect_regression import load_alignment
    from spaces.alignment import save_map

    save_map(tmp_path / "x.safetensors", fitted, {"other": 1})
    with pytest.raises(AffectError, match="no alignment of affect"):
        load_alignment(tmp_path / "x.safetensors")
    assert isinstance(
        AffectAlignment(mapping=fitted, sd_factors=(1.0, 1.0), residual_sds=(0.1, 0.1)), AffectAlignment
    )
