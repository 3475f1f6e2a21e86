"""Types and errors that all encoders share, the Encoder protocol, and operations on rows.

Rows are float32 arrays of shape (n, d). A row of NaN is missing: the encoder abstains for that item
(silence, no face, no words). Missing is never zero and never an average.
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

# A picture whose longer side exceeds this many shorter ones is decoded larger, and encoded as several squares
# too. Films of 2.39 to 1 and telephones' pictures of 2.22 to 1 are below it.
PANORAMA_ASPECT_RATIO = 2.5

T = TypeVar("T")


class AffectError(Exception):
    """An error that the user can correct; the command line prints it as one line and exits with 2."""


class MediaError(AffectError):
    """A file that can't be read as media; the message has its path and the reason.

    `is_permanent` is False for causes that may pass while the file is unchanged (no permission, a timeout,
    too little memory).
    """

    def __init__(self, path: Path | str, reason: str, *, is_permanent: bool = True) -> None:
        super().__init__(f"{to_printable(path)}: {reason}")
        self.path, self.reason, self.is_permanent = Path(path), reason, is_permanent

    def __reduce__(self) -> tuple[Any, ...]:
        # sent from decoder processes to their parent
        return partial(MediaError, is_permanent=self.is_permanent), (self.path, self.reason)


class MissingBackendError(AffectError):
    """A package or a weights file is not installed; the message says how to get it.

    missing: "package" or "weights"
    command: what to run, on a machine with a network; empty where no command does it
    """

    def __init__(
        self, message: str, *, missing: Literal["package", "weights"] = "package", command: str = ""
    ) -> None:
        super().__init__(message)
        self.missing, self.command = missing, command


class UnknownNameError(AffectError):
    """A name that is not registered; the message lists the registered ones and the nearest."""


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
    """Metadata of an encoder: its input, the shape of its rows, its licence and the origin of its weights.

    `version` counts the changes of its code that change its rows: preparation, pooling, scaling;
    `weights_source` names the file's origin and `sha256` its content, so that a library records what made its
    rows; `sample_rate` is the rate in Hz that an encoder of sound takes.
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
        """Text that is the same for two encoders only if their rows can be compared."""
        return f"{self.name}/{self.version}/{self.dim}/{self.sha256[:16] or 'no-weights'}"

    @property
    def cache_key(self) -> str:
        """Name, version and hash, as part of a file's name."""
        return f"{self.name}-{self.version}-{self.sha256[:12]}"


class Encoder(Protocol):
    """Protocol of all encoders: a card and one method.

    `encode` takes a sequence of Frames, Audio or str (the card's modality says which) and returns raw
    rows (n, dim) float32, a NaN row where it abstains. It must not depend on how items are batched.
    """

    @property
    def card(self) -> EncoderCard:
        """Metadata of this encoder."""
        ...

    def encode(self, items: Sequence[Any]) -> Rows:
        """Rows (n, dim), one per item."""
        ...


def to_printable(path: Path | str) -> str:
    """A path as text that is safe on any terminal: bytes that are not UTF-8, and controls, become \\xNN."""
    text = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda match: f"\\x{ord(match[0]):02x}", text)


def batched(items: Sequence[T], batch_size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `batch_size` items."""
    for start in range(0, len(items), batch_size):
        yield items[start : start + batch_size]


def encode_all(encoder: Encoder, items: Sequence[Any], batch_size: int = 32) -> Rows:
    """Raw rows (n, dim) of all items, in batches.

    Raises ValueError when the encoder returns another shape or dtype than its card states.
    """
    chunks = [
        check_rows(encoder.encode(chunk), len(chunk), encoder.card) for chunk in batched(items, batch_size)
    ]
    return np.concatenate(chunks) if chunks else np.empty((0, encoder.card.dim), np.float32)


def check_rows(rows: Rows, count: int, card: EncoderCard) -> Rows:
    """`rows` if shape and dtype are those of the card, else ValueError."""
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
    present = ~is_missing_row(rows)
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, owners[present], rows[present])
    counts = np.bincount(owners[present], minlength=count)[:, None]
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def unit_rows(rows: Rows) -> Rows:
    """A copy with every row of length 1; rows that are missing or all zero come back missing (NaN)."""
    rows = np.asarray(rows, np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.full_like(rows, np.nan), where=norms > 0)
