"""What every encoder shares: the words, the errors, the port and the one place that makes unit rows.

Rows are float32 arrays of shape (n, d). A row of NaN is missing: the encoder had nothing to say of that
item (silence, no face, no words). Missing is never zero and never an average.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Modality = Literal["frames", "sound", "text"]
Rows = npt.NDArray[np.float32]
Frames = npt.NDArray[np.uint8]  # (t, h, w, 3) RGB

# A picture more than so many times longer than wide is read larger, and seen as several squares too.
PANORAMA_ASPECT_RATIO = 2.5  # films of 2.39 to 1 and telephones' pictures of 2.22 to 1 are not

T = TypeVar("T")


class AffectError(Exception):
    """Anything a user can mend; the command line prints it as one line and exits with 2."""


class MediaError(AffectError):
    """A file that can't be read as media: says which and why.

    `is_permanent` is False for what may pass while the file stays as it is (no permission, no time, no
    memory).
    """

    def __init__(self, path: Path | str, reason: str, *, is_permanent: bool = True) -> None:
        super().__init__(f"{to_printable(path)}: {reason}")
        self.path, self.reason, self.is_permanent = Path(path), reason, is_permanent

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(MediaError, is_permanent=self.is_permanent), (
            self.path,
            self.reason,
        )  # it crosses process borders


class MissingBackendError(AffectError):
    """A package or a weights file is not here; the message says what to run to get it."""


class UnknownNameError(AffectError):
    """A name that no registry entry has; the message lists the known ones and the nearest."""


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Mono sound: `samples` (n,) float32 in [-1, 1] at `sample_rate` Hz."""

    samples: npt.NDArray[np.float32]
    sample_rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class EncoderCard:
    """Facts about an encoder that do not change: what it takes and gives, and under which licence.

    `version` counts the changes of its code that change its rows: preparation, pooling, scaling;
    `weights_source` names the file's origin and `sha256` its content, so that a library knows what made it;
    `sample_rate` is the sound rate in Hz it wants, for encoders of sound.
    """

    name: str
    modality: Modality
    dim: int
    licence: str
    weights_source: str
    training_data: str
    version: str = "1"
    sha256: str = ""
    sample_rate: int | None = None

    @property
    def signature(self) -> str:
        """What must be equal for two row files to be comparable."""
        return f"{self.name}/{self.version}/{self.dim}/{self.sha256[:16] or 'no-weights'}"

    @property
    def cache_key(self) -> str:
        """The signature as part of a file's name."""
        return f"{self.name}-{self.version}-{self.sha256[:12]}"


class Encoder(Protocol):
    """The port: facts on a card and one verb.

    `encode` takes a sequence of Frames, Audio or str (the card's modality says which) and returns raw
    rows (n, dim) float32, a NaN row where it abstains. It must not depend on how items are batched.
    """

    @property
    def card(self) -> EncoderCard:
        """What this encoder is."""
        ...

    def encode(self, items: Sequence[Any]) -> Rows:
        """One row an item."""
        ...


def to_printable(path: Path | str) -> str:
    """A path as text that is safe on any terminal: bytes that are not UTF-8, and controls, become \\xNN."""
    text = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def batched(items: Sequence[T], batch_size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `batch_size` items."""
    for start in range(0, len(items), batch_size):
        yield items[start : start + batch_size]


def encode_all(encoder: Encoder, items: Sequence[Any], batch_size: int = 32) -> Rows:
    """Raw rows (n, dim) of all items, in batches, with the encoder's promises checked.

    Raises ValueError when the encoder breaks its contract (shape or dtype).
    """
    chunks = [
        check_rows(encoder.encode(chunk), len(chunk), encoder.card) for chunk in batched(items, batch_size)
    ]
    return np.concatenate(chunks) if chunks else np.empty((0, encoder.card.dim), np.float32)


def check_rows(rows: Rows, count: int, card: EncoderCard) -> Rows:
    """`rows` if they are what the card promises, else ValueError."""
    if rows.shape != (count, card.dim) or rows.dtype != np.float32:
        raise ValueError(
            f"{card.name} gave {rows.dtype}{rows.shape}, its card says float32({count}, {card.dim})"
        )
    return rows


def is_missing_row(rows: Rows) -> npt.NDArray[np.bool_]:
    """(n,) True where a row is missing, that is, holds a NaN."""
    return np.asarray(np.isnan(rows).any(axis=1))


def average_by_owner(
    rows: npt.NDArray[Any], owners: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.float64]:
    """(count, d) the mean of each owner's rows (n, d) that are not missing; NaN for one without any."""
    here = ~is_missing_row(rows)
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, owners[here], rows[here])
    counts = np.bincount(owners[here], minlength=count)[:, None]
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def unit_rows(rows: Rows) -> Rows:
    """A copy with every row of length 1; rows that are missing or all zero come back missing (NaN)."""
    rows = np.asarray(rows, np.float32)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norm, out=np.full_like(rows, np.nan), where=norm > 0)
