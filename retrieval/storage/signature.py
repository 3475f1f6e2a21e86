"""Whether a library can be used with the encoders and spaces that are here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from encoders import AffectError, to_printable
from retrieval.features import FeaturePipeline, is_space_key


def check_signature(
    folder: Path, stored: Mapping[str, str], pipeline: FeaturePipeline, *, check_spaces: bool
) -> None:
    """Compare a library's stored signature with its pipeline's.

    Raises AffectError where encoders differ, whose rows can't be compared, and, with `check_spaces`, where
    spaces differ, which a rebuild projects again.
    """
    current = json.loads(pipeline.make_signature())
    changed = sorted(key for key in {*stored, *current} if stored.get(key) != current.get(key))
    encoders = [key for key in changed if not is_space_key(key)]
    if encoders:
        details = ", ".join(f"{role} {stored.get(role)} (here {current.get(role)})" for role in encoders)
        raise AffectError(
            f"{to_printable(folder)}: made by other encoders: {details}; "
            "install those, or index into a new library"
        )
    if changed and check_spaces:
        raise AffectError(
            f"{to_printable(folder)}: made by another version of the {', '.join(changed)}; "
            f"run: affect rebuild --library {to_printable(folder)} (no media are read)"
        )
