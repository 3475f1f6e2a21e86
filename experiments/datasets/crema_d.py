"""CREMA-D: what people heard or saw in acted sentences, as votes for emotions (Cao et al. 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import read_table

FOLDER = "cremad_votes"
EMOTION_BY_VOTE: Mapping[str, str] = {
    "A": "angry", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad",
}  # fmt: skip
EMOTION_BY_FILE_CODE: Mapping[str, str] = {
    "ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
}  # fmt: skip
EMOTIONS = tuple(EMOTION_BY_VOTE.values())


@dataclass(frozen=True)
class Vote:
    """An emotion that most raters chose, and their mean level for it, 0 to 100."""

    emotion: str
    level: float


@dataclass(frozen=True, kw_only=True)
class CremaDClip:
    """A clip of one actor.

    emotion:     the acted emotion, one of EMOTIONS
    voice_votes: the winning votes of raters who heard the voice alone; several where they tie
    face_votes:  the winning votes of raters who saw the face alone
    split:       empty where the table has none
    """

    actor: str
    emotion: str
    voice_votes: tuple[Vote, ...]
    face_votes: tuple[Vote, ...]
    split: str


def load_crema_d(data_root: Path = DATA_ROOT) -> list[CremaDClip]:
    """All clips, in the order of the table. Raises AffectError where it is missing."""
    return [_parse_clip(row) for row in read_table(data_root / FOLDER / "summaryTable.csv")]


def _parse_clip(row: Mapping[str, str]) -> CremaDClip:
    actor, _, emotion_code = row["FileName"].split("_")[:3]
    return CremaDClip(
        actor=actor,
        emotion=EMOTION_BY_FILE_CODE[emotion_code],
        voice_votes=_parse_votes(row["VoiceVote"], row["VoiceLevel"]),
        face_votes=_parse_votes(row["FaceVote"], row["FaceLevel"]),
        split=row.get("split", ""),
    )


def _parse_votes(votes: str, levels: str) -> tuple[Vote, ...]:
    """The votes of cells such as "A:D" and "37.2:58.6"."""
    return tuple(
        Vote(EMOTION_BY_VOTE[vote], float(level))
        for vote, level in zip(votes.split(":"), levels.split(":"), strict=True)
    )
