"""What an encoder may offer beside `encode`: ports that users of encoders check by isinstance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from encoders.base import Audio, Encoder, Frames, Rows

MIN_CLASS_SCORE = 0.3  # of an item's best class, a score or a probability; below it none is named for it


@runtime_checkable
class DualEncoder(Encoder, Protocol):
    """Encodes text into the space of its media rows, as CLIP and CLAP do."""

    def encode_text(self, texts: Sequence[str]) -> Rows:
        """Rows (n, dim) of texts."""
        ...


@runtime_checkable
class ClassifierEncoder(Encoder, Protocol):
    """Has a classifier on its rows."""

    @property
    def classes(self) -> Sequence[str]:
        """The names of its classes, in the order of the logits."""
        ...

    def logits(self, rows: Rows) -> Rows:
        """Class logits (n, classes) of its rows (n, dim)."""
        ...


@runtime_checkable
class EventClassifier(Encoder, Protocol):
    """Its rows are scores in [0, 1] of classes that do not exclude each other."""

    @property
    def classes(self) -> Sequence[str]:
        """The names of its classes, in the order of the scores."""
        ...

    def score_patches(self, audio: Audio) -> Rows:
        """Scores (patches, classes) over the course of a sound."""
        ...

    def locate_patches(self, audio: Audio) -> npt.NDArray[np.float64]:
        """Seconds (patches,) from the start of a sound to the centre of each patch."""
        ...


@runtime_checkable
class SharedBackboneEncoder(Encoder, Protocol):
    """Reads the features of another encoder's network, which need be computed only once for both."""

    @property
    def backbone(self) -> Any:
        """The encoder whose `extract_features` it reads."""
        ...

    def encode_features(self, items: Sequence[Frames], features: Sequence[Any]) -> Rows:
        """Rows (n, dim) of items whose backbone features are given."""
        ...


@runtime_checkable
class FaceDetector(Encoder, Protocol):
    """Can give the single faces that its rows summarise."""

    def detect_batch(self, items: Sequence[Frames]) -> list[list[Any]]:
        """The faces (`encoders.faces.Face`) of each item."""
        ...


@runtime_checkable
class EnglishTextEncoder(Encoder, Protocol):
    """Encodes text in English and in no other language."""

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """Id of every word, in lower case, and every piece of a word that it knows."""
        ...


@runtime_checkable
class VocabularyEncoder(Encoder, Protocol):
    """An encoder of text that knows which words it has met."""

    def is_in_vocabulary(self, word: str) -> bool:
        """Whether a word is one of them."""
        ...
