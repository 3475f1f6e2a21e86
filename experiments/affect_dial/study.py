"""The dial and the forms measured on one set, kept on disk so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import MALFORMED_FILE_ERRORS, read_safetensors, write_safetensors
from experiments.affect_dial.galleries import GALLERIES, MOODS
from experiments.affect_dial.gallery import Gallery, open_gallery
from experiments.affect_dial.measurement import (
    DEPTH,
    DIALS,
    FORMS,
    Outcomes,
    make_dial_outcomes,
    make_form_outcomes,
    measure_dial,
    measure_forms,
)
from experiments.affect_dial.summary import QueriesSummary, summarise
from retrieval.progress_reporter import ProgressReporter
from retrieval.search.words_mood import RESIDUAL_STRENGTH

STUDY_VERSION = 1  # raise it when the same gallery would give other outcomes


@dataclass(frozen=True, kw_only=True)
class GalleryResult:
    """One set: how it was made up, its dial (None without content queries) and the forms by kind of query."""

    description: str
    dial: QueriesSummary | None
    forms: Sequence[QueriesSummary]


def measure_gallery(name: str, data_root: Path, *, seed: int, folder: Path) -> GalleryResult:
    """Load a set, measure it or take its outcomes from `folder`, and summarise. Raises AffectError."""
    gallery = GALLERIES[name](data_root, seed, folder)
    path = folder / f"{name}-{_digest_gallery(gallery)}.safetensors"
    dial, forms = _load_outcomes(gallery, path) or _measure_and_store(gallery, path)
    every = np.ones(len(forms.groups), np.bool_)
    parts = {"queries": every, "with an emotion word": forms.has_mood, "without": ~forms.has_mood}
    summaries = [summarise(forms, kind, chosen, seed=seed) for kind, chosen in parts.items()]
    return GalleryResult(
        description=gallery.description,
        dial=summarise(dial, "queries", np.ones(len(dial.groups), np.bool_), seed=seed),
        forms=[summary for summary in summaries if summary is not None],
    )


def _measure_and_store(gallery: Gallery, path: Path) -> tuple[Outcomes, Outcomes]:
    total, done = len(gallery.content_queries) + len(gallery.worded_queries), 0
    with open_gallery(gallery) as engine, ProgressReporter("dial", unit="queries") as report:

        def report_query() -> None:
            nonlocal done
            done += 1
            report.update(gallery.name, done, total)

        report.update(gallery.name, 0, total)
        dial = measure_dial(engine, gallery, MOODS, report_query)
        forms = measure_forms(engine, gallery, report_query)
    tensors: dict[str, npt.NDArray[Any]] = {
        "dial": dial.values,
        "forms": forms.values,
        "has_mood": forms.has_mood.astype(np.uint8),
    }
    write_safetensors(path, tensors)
    return dial, forms


def _load_outcomes(gallery: Gallery, path: Path) -> tuple[Outcomes, Outcomes] | None:
    """The outcomes measured before; None without any, or where the file is damaged."""
    try:
        tensors = read_safetensors(path).tensors
        return (
            make_dial_outcomes(gallery, MOODS, tensors["dial"]),
            make_form_outcomes(gallery, tensors["forms"], tensors["has_mood"].astype(np.bool_)),
        )
    except MALFORMED_FILE_ERRORS:
        return None


def _digest_gallery(gallery: Gallery) -> str:
    """Of all that outcomes depend on: features, affect and its estimates, queries, heads and settings."""
    settings = (
        STUDY_VERSION, gallery.pipeline.make_signature(), list(gallery.content_queries),
        list(gallery.worded_queries), MOODS, DIALS, DEPTH, FORMS, RESIDUAL_STRENGTH,
    )  # fmt: skip
    digest = hashlib.sha256(repr(settings).encode())
    for rows in (
        *gallery.features.values(),
        gallery.affect,
        gallery.pipeline.estimate_affect(gallery.features).fused,
    ):
        digest.update(np.ascontiguousarray(rows).tobytes())
    return digest.hexdigest()[:16]
