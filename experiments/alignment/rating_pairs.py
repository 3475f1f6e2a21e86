"""People's ratings as readings: votes on CREMA-D, and OASIS pictures with VGMIDI pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.alignment.pairs import AFFECT_COLUMNS, Floats, PairedReadings
from experiments.alignment.ravdess_pairs import WITHIN_ACTOR_NOTE
from experiments.alignment.table_columns import (
    Record,
    draw_evenly,
    find_test_rows,
    look_up_affect,
    parse_columns,
)
from experiments.datasets.records import DATA_ROOT, read_table
from experiments.datasets.registry import load_vgmidi
from spaces.circumplex import EMOTION_SCHEMES, RATING_SCALES, find_quadrants, map_emotions_to_affect, rescale

CREMAD_VOTE_EMOTIONS: Mapping[str, str] = {
    "A": "angry", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad",
}  # fmt: skip
CREMAD_INTENDED_EMOTIONS: Mapping[str, str] = {
    "ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
}  # fmt: skip


def load_cremad(data_root: Path = DATA_ROOT) -> PairedReadings:
    """Votes on a clip's voice alone and on its face alone (Cao et al. 2014), as valence and arousal.

    The upper bound of what two modalities share when people rate both. A vote is weighted by its mean level.
    """
    records = list(read_table(data_root / "cremad_votes" / "summaryTable.csv"))
    records = [records[row] for row in draw_evenly(len(records))]
    intended = np.array([CREMAD_INTENDED_EMOTIONS[record["FileName"].split("_")[2]] for record in records])
    return PairedReadings(
        name="cremad votes",
        modalities=("voice", "face"),
        source=_average_votes(records, "Voice"),
        target=_average_votes(records, "Face"),
        columns=AFFECT_COLUMNS,
        groups=np.array([record["FileName"].split("_")[0] for record in records]),
        emotions=intended,
        affect=look_up_affect(intended, "fer"),
        exchange="within",
        is_test=find_test_rows(records),
        notes=(
            f"{len(records)} clips, drawn evenly; people's votes, the ceiling of what voice and face share",
            WITHIN_ACTOR_NOTE,
        ),
    )


def load_oasis_vgmidi(data_root: Path = DATA_ROOT, *, seed: int = 0) -> PairedReadings:
    """OASIS pictures and VGMIDI pieces by people's ratings: a control, since no picture belongs to a piece.

    Pairs are drawn at random within a quadrant of both planes, about their medians. They agree by
    construction, whatever the hypothesis: the study measures how strongly such circular pairs agree.
    """
    pictures = [row for row in read_table(data_root / "oasis" / "oasis.csv") if row.get("split") != "test"]
    pieces = [piece for piece in load_vgmidi(data_root) if piece.split != "test"]
    picture_affect = rescale(
        parse_columns(pictures, ["valence_mean", "arousal_mean"]), *RATING_SCALES["oasis"]
    )
    piece_affect = np.array([(piece.valence, piece.arousal) for piece in pieces])
    picture_quadrants, piece_quadrants = (
        np.array(find_quadrants(affect - np.median(affect, axis=0)))
        for affect in (picture_affect, piece_affect)
    )
    rng = np.random.default_rng(seed)
    matches: list[tuple[int, int]] = []
    for quadrant in np.unique(piece_quadrants):
        piece_order = rng.permutation(np.flatnonzero(piece_quadrants == quadrant))
        picture_order = rng.permutation(np.flatnonzero(picture_quadrants == quadrant))
        matches += zip(picture_order.tolist(), piece_order.tolist(), strict=False)
    picture_rows, piece_rows = (np.array(side) for side in zip(*sorted(matches), strict=True))
    return PairedReadings(
        name="oasis x vgmidi",
        modalities=("picture", "music"),
        source=picture_affect[picture_rows],
        target=piece_affect[piece_rows],
        columns=AFFECT_COLUMNS,
        groups=np.array([pieces[row].group for row in piece_rows]),
        emotions=piece_quadrants[piece_rows],
        construction="pairs were drawn within quadrants of the ratings themselves",
        notes=("no picture has a piece of its own: pairs are made from the ratings, and so must agree",),
    )


def _average_votes(records: Sequence[Record], modality: str) -> Floats:
    """(n, 2) valence and arousal of votes such as "A:D" with the levels "37.2:58.6"."""
    class_names = EMOTION_SCHEMES["fer"]
    shares = np.zeros((len(records), len(class_names)))
    for row, record in enumerate(records):
        votes, levels = record[f"{modality}Vote"].split(":"), record[f"{modality}Level"].split(":")
        for vote, level in zip(votes, levels, strict=True):
            shares[row, class_names.index(CREMAD_VOTE_EMOTIONS[vote])] += float(level)
    return map_emotions_to_affect(shares, "fer", "hand")[:, :2]
