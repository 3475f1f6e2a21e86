"""Compatibility of a library with the installed encoders and spaces."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from encoders import AffectError, to_printable
from retrieval.features import FeaturePipeline, is_space_key

log = logging.getLogger(__name__)


class OutdatedSpacesError(AffectError):
    """A library whose rows are fine but were projected by other spaces, which a rebuild mends."""

    def __init__(self, folder: Path | str, spaces: Sequence[str]) -> None:
        self.spaces = spaces
        super().__init__(
            f"{to_printable(folder)}: made by another version of the {', '.join(spaces)}; "
            f"run: affect rebuild --library {to_printable(folder)} (no media are read)"
        )


def check_signature(
    folder: Path | str, stored: Mapping[str, str], pipeline: FeaturePipeline, *, check_spaces: bool
) -> None:
    """Compare a library's stored signature with its pipeline's.

    Optional roles whose encoders can't be used here are left out, with a warning: rows that they gave are
    kept and searched, and queries have none of them.

    Raises AffectError if encoders differ, whose rows are not comparable, and, with `check_spaces`,
    OutdatedSpacesError if spaces differ, which a rebuild would project again.
    """
    current = json.loads(pipeline.make_signature())
    missing_roles = pipeline.missing_roles
    changed_keys = sorted(
        key for key in {*stored, *current} - missing_roles.keys() if stored.get(key) != current.get(key)
    )
    changed_roles = [key for key in changed_keys if not is_space_key(key)]
    if changed_roles:
        details = ", ".join(f"{role} {stored.get(role)} (here {current.get(role)})" for role in changed_roles)
        raise AffectError(
            f"{to_printable(folder)}: made by other encoders: {details}; "
            "install those, or index into a new library"
        )
    for role, missing in missing_roles.items():
        _warn_once(f"without the role {role}: {missing}")
    if changed_keys and check_spaces:
        raise OutdatedSpacesError(folder, changed_keys)


@cache
def _warn_once(line: str) -> None:
    """Log a line in this process: a command opens a library several times."""
    log.warning("%s", line)
