"""LIRIS-ACCEDE: sound and picture of the same film excerpts (Baveye et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from encoders.text_files import read_text, split_lines
from experiments.alignment import unimodal_models
from experiments.alignment.pairs import AFFECT_COLUMNS, Floats, PairedReadings, Strings
from experiments.alignment.table_columns import Record, draw_evenly, parse_columns
from experiments.datasets.records import DATA_ROOT
from spaces.circumplex import RATING_SCALES, find_quadrants, rescale

FILES = ("featuresArousal_TAC2015", "featuresValence_TAC2015", "ranking", "sets")
AUDIO_FEATURES = ("flatness_env", "asymmetry_env", "flatness", "zcr")  # and wtf_max2stdratio_1 to 12
AUDIO_PREFIX = "wtf_"
ANNOTATION_COLUMNS = frozenset({
    "id", "name", "set", "valenceRank", "arousalRank", "valenceValue", "arousalValue", "valenceVariance",
    "arousalVariance", "",
})  # fmt: skip
REQUIRED_COLUMNS = frozenset({"zcr", "slope", "valenceValue", "set"})  # a column of each file
TEST_SPLIT = "0"


def load_liris(data_root: Path = DATA_ROOT, *, readings: str = "") -> PairedReadings:
    """The audio features (16) against the visual features of the same film excerpts.

    The corpus does not state the film of an excerpt: a group is a run of consecutive excerpts of one part of
    the official split, which keeps films whole.

    readings: "" for the features; "moods" for valence and arousal by models trained on the anchors
    """
    records = _read_records(data_root / "liris_accede_features")
    names = list(records[0]) if records else []
    audio = [name for name in names if name in AUDIO_FEATURES or name.startswith(AUDIO_PREFIX)]
    visual = [name for name in names if name not in ANNOTATION_COLUMNS and name not in audio]
    splits = np.array([record["set"] for record in records])
    affect = rescale(parse_columns(records, ["valenceValue", "arousalValue"]), *RATING_SCALES["liris"])
    rows = draw_evenly(len(records))
    features = PairedReadings(
        name="liris features",
        modalities=("sound", "picture"),
        source=_apply_signed_log(parse_columns(records, audio))[rows],
        target=_apply_signed_log(parse_columns(records, visual))[rows],
        columns=tuple(visual),
        groups=_number_runs(records, splits)[rows],
        affect=affect[rows],
        emotions=np.array(find_quadrants(affect - np.median(affect, axis=0)))[rows],
        exchange="groups",
        standardise=True,
        is_test=(splits == TEST_SPLIT)[rows],
        notes=(
            f"{len(rows)} of {len(records)} excerpts, drawn evenly; groups are runs of consecutive excerpts",
            "emotions are quadrants of the induced mood about its median",
        ),
    )
    if readings == "moods":
        fit = unimodal_models.make_affect_regressor(affect[rows])
        return replace(features, name="liris moods", columns=AFFECT_COLUMNS, fit_functions=(fit, fit))
    return features


def _read_records(folder: Path) -> list[Record]:
    """The excerpts that all files have, by name."""
    record_by_name: dict[str, dict[str, str]] = {}
    for file in FILES:
        for record in _read_tsv(folder / f"ACCEDE{file}.txt"):
            record_by_name.setdefault(record["name"], {}).update(record)
    return [record for _, record in sorted(record_by_name.items()) if set(record) >= REQUIRED_COLUMNS]


def _number_runs(records: Sequence[Record], splits: Strings) -> Strings:
    """(n,) number of the run of consecutive excerpts of one split."""
    numbers = np.array([int(record["id"]) for record in records])
    is_start = np.r_[True, (np.diff(numbers) != 1) | (splits[1:] != splits[:-1])]
    return np.cumsum(is_start).astype(str)


def _read_tsv(path: Path) -> list[dict[str, str]]:
    header, *rows = [line.split("\t") for line in split_lines(read_text(path)) if line.strip()]
    return [dict(zip(header, row, strict=False)) for row in rows]


def _apply_signed_log(features: Floats) -> Floats:
    """sign(x) log(1 + |x|): some features span fifteen orders of magnitude."""
    return np.sign(features) * np.log1p(np.abs(features))
