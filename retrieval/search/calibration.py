"""The calibration of a view: that of trained heads, the packaged one, or one fitted on the library."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows
from fusion import Calibration, fit_calibration
from retrieval.storage import Library, Snapshot
from retrieval.vector_index import StoredRows

MATCH_PRIOR = 0.1  # share of matches a score is read against: a library has few, though more than one
MIN_BACKGROUND_ROWS = 20  # rows from which a library's media can serve as their own background
MAX_BACKGROUND_ROWS = 2000  # rows sampled for it
SEED = 0
MIN_BACKGROUND_SD = 1e-3  # what float16 makes of equal rows: a background that differs no more tells nothing

# Everyday sentences of our own that few libraries match: the background of text queries.
BACKGROUND_SENTENCES = (
    "a bowl of soup on a wooden table", "two children on a swing", "the night sky over a city",
    "an old man reading a newspaper", "a red car parked in the street", "rain on a window",
    "a dog asleep on a sofa", "people dancing at a wedding", "a bridge over a wide river",
    "somebody chopping onions", "a bicycle leaning against a wall", "snow on distant mountains",
    "a crowded train station", "a cat looking out of a window", "a boat in a harbour at dawn",
    "a woman playing the violin", "football players on a muddy field", "a field of yellow flowers",
    "a spider in its web", "an empty classroom", "fireworks over the sea", "a man repairing a roof",
    "birds on a telephone wire", "a birthday cake with candles", "an airplane on the runway",
    "a horse in a meadow", "the inside of a church", "a girl with a red umbrella", "a pile of old books",
    "a waterfall in a forest", "a lonely house on a hill", "a market stall with fruit",
    "somebody typing on a computer", "a baby laughing", "a desert under a blue sky", "a broken bottle",
    "a runner crossing the finish line", "a cup of coffee", "ships in a storm", "a clown at the circus",
)  # fmt: skip


class LibraryCalibrations:
    """The calibrations of one snapshot of a library, each fitted or loaded at its first use."""

    def __init__(self, library: Library, snapshot: Snapshot) -> None:
        self._library, self._snapshot = library, snapshot
        self._calibrations: dict[str, Calibration] = {}

    def get(self, view: str, query_modality: str) -> Calibration:
        """Of cosines in "space.view" with queries of a modality.

        In this order: that of the trained heads, that of the packaged encoders, one fitted on the library.
        """
        key = make_calibration_key(view, query_modality)
        if key not in self._calibrations:
            measured = self._load_measured(view, query_modality)
            self._calibrations[key] = measured or self._fit(view, query_modality)
        return self._calibrations[key]

    def _load_measured(self, view: str, query_modality: str) -> Calibration | None:
        if parameters := self._library.pipeline.get_calibration(view, query_modality):
            return Calibration.from_dict(parameters)
        signature = self._library.catalog.get_meta("signature") or "{}"
        return load_packaged_calibration(view, query_modality, signature)

    def _fit(self, view: str, query_modality: str) -> Calibration:
        def project_background() -> Rows:
            pipeline = self._library.pipeline
            return pipeline.project(pipeline.encode_text(BACKGROUND_SENTENCES))[view]

        is_text = query_modality == "text"
        return fit_library_calibration(
            self._snapshot.views[view].rows,
            np.flatnonzero(self._snapshot.mask_shown_rows(view)),
            project_background if is_text else None,
        )


def make_calibration_key(view: str, query_modality: str) -> str:
    """Name of a calibration: which view, asked from which source."""
    return f"{view}|{query_modality}"


def load_packaged_calibration(view: str, query_modality: str, signature: str) -> Calibration | None:
    """The calibration measured beforehand, if the library was made by the encoders it was measured with."""
    entry = _load_packaged_table().get(make_calibration_key(view, query_modality))
    made = json.loads(signature)
    if entry is None or any(made.get(role) != card for role, card in entry["encoders"].items()):
        return None
    return Calibration.from_dict(entry["calibration"])


@cache
def _load_packaged_table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((files("retrieval.search") / "calibration.json").read_text())
    return table


def fit_library_calibration(
    stored_rows: StoredRows, alive: npt.NDArray[np.int64], encode_sentences: Callable[[], Rows] | None
) -> Calibration:
    """From a library's own rows (n, d): against each other, or against those that `encode_sentences` gives of
    BACKGROUND_SENTENCES. `alive` are the indices of rows that are not removed, ascending.

    With too few rows to be their own background, or all alike: what random directions of that length would
    give. Sentences serve from the first row on: texts and media of a dual encoder lie apart by about the same
    in all pairs (modality gap, Liang et al. 2022), which random directions would take for a match or a miss.
    Against each other the midpoint is at most half way to a cosine of 1, which the same content has: where
    all films of a library are much alike, it would otherwise not match itself.
    """
    random = Calibration(mean=0.0, sd=stored_rows.shape[1] ** -0.5)
    if len(alive) < (MIN_BACKGROUND_ROWS if encode_sentences is None else 1):
        return random
    chosen = np.sort(np.random.default_rng(SEED).permutation(alive)[:MAX_BACKGROUND_ROWS])
    rows = np.asarray(stored_rows[chosen], np.float32)
    cosines = (
        rows @ encode_sentences().T
        if encode_sentences is not None
        else (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    )
    known = cosines[~np.isnan(cosines)]
    if len(known) < 2 or known.std() <= MIN_BACKGROUND_SD:
        return random
    plain = fit_calibration(known)
    return plain if encode_sentences is not None else _limit_midpoint(plain)


def _limit_midpoint(calibration: Calibration) -> Calibration:
    """The same where a cosine of 1 is a sure match; else as steep as makes it one, equally sure of a miss."""
    halfway = calibration.to_z_scores(1.0) / 2
    if halfway >= calibration.midpoint:
        return calibration
    return replace(
        calibration, midpoint=float(halfway), slope=float(calibration.slope * calibration.midpoint / halfway)
    )
