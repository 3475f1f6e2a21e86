"""Arrays on disk with notes about them: one safetensors file, the notes as JSON in its header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
from safetensors.numpy import save

from encoders.onnx_runtime import write_atomically


def write_safetensors(
    path: Path, tensors: Mapping[str, npt.NDArray[Any]], key: str, metadata: Mapping[str, Any]
) -> str:
    """Write arrays with `metadata` under `key`, whole or not at all; gives the digest."""
    content = save(dict(tensors), {key: json.dumps(metadata, sort_keys=True)})
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def parse_metadata(content: bytes, key: str) -> dict[str, Any]:
    """The notes under `key` of a file's content; empty without any.

    Raises ValueError, AttributeError or TypeError for what is no such file.
    """
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    notes: dict[str, Any] = json.loads(header.get("__metadata__", {}).get(key, "{}"))
    return notes
