"""The mood of a photo finds sounds, on the plane that `affect align` has given both."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from film_library import make_film_library
from library_factory import encoded, painted

from retrieval.cli.main import main
from retrieval.search import Engine, Query
from retrieval.storage import Library
from spaces.circumplex import affinity, combine_with_prior, nudge_point

SOUNDS = 12


def add_sounds(folder):
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        dim, seen = (library.pipeline.get_encoder(role).card.dim for role in ("tone", "objects"))
        absent = np.full((1, seen), np.nan, np.float32)
        rows = np.random.default_rng(1).normal(0, 1.5, (SOUNDS, 1, dim)).astype(np.float32)
        items = [encoded(f"tone{at}", sound=np.zeros((1, 16)), modality="audio") for at in range(SOUNDS)]
        library.commit(
            [
                replace(one, features={"tone": row, "objects": absent})
                for one, row in zip(items, rows, strict=True)
            ]
        )
        return library.pipeline.estimate_affect_by_modality({"tone": rows[:, 0]})["sound"]


@pytest.mark.parametrize("nudges", [(), ("calmer",), ("brighter", "more-intense")])
def test_the_mood_of_a_photo_finds_aligned_sounds(tmp_path, nudges):
    folder = make_film_library(tmp_path / "lib", turned=True)
    unaligned = add_sounds(folder)
    assert CliRunner().invoke(main, ["align", "-l", str(folder)]).exit_code == 0
    photo = painted(tmp_path / "photo.png", 3)
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        hits = engine.search(
            Query(image=photo, affect=1, nudges=nudges, modalities=("audio",), k=SOUNDS, balance=1)
        )
        (seen,) = [
            part.affect
            for part in engine._query_encoder.encode(Query(image=photo, affect=1), engine.snapshot)
        ]
    rows = np.array([[hit.affect[name] for name in hit.affect] for hit in hits])
    before = unaligned[[int(hit.id.lstrip("0").removeprefix("tone")) for hit in hits]]
    assert len(hits) == SOUNDS and np.abs(rows[:, :2] - before[:, :2]).max() > 0.1  # the map is in
    target = nudge_point(combine_with_prior(seen), nudges)
    assert [hit.score for hit in hits] == pytest.approx(affinity(rows, target), abs=2e-3)
    assert np.all(np.diff([hit.score for hit in hits]) <= 0)
