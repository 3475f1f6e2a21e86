"""Trained heads in a folder outside a library: which are there, whether they fit, their installation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from encoders import AffectError, make_draft_path, to_printable
from retrieval.features import SPACES, FeaturePipeline
from retrieval.storage import (
    HEADS_FOLDER,
    Library,
    list_custom_heads,
    remove_unused_heads,
    translate_disk_errors,
)
from spaces.joint import load_heads

HEADS_SUFFIX, CARD_SUFFIX = ".safetensors", ".md"


def find_heads(heads_folder: Path, pipeline: FeaturePipeline) -> dict[str, Path]:
    """Files of heads in a folder by space: object.safetensors or, in a library, object-1f0c.safetensors.

    Raises AffectError where there is none, two are of one space, one can't be read, or one was trained on
    other encoders than the pipeline's.
    """
    signatures: Mapping[str, str] = json.loads(pipeline.make_signature())
    paths: dict[str, Path] = {}
    for path in sorted(heads_folder.glob(f"*{HEADS_SUFFIX}")):
        space = path.stem.partition("-")[0]
        if space not in SPACES:
            continue
        if space in paths:
            raise AffectError(
                f"{to_printable(path)}: {paths[space].name} is of the space {space} as well; leave one"
            )
        _check_encoders(path, signatures)
        paths[space] = path
    if not paths:
        names = " or ".join(f"{space}{HEADS_SUFFIX}" for space in SPACES)
        raise AffectError(
            f"{to_printable(heads_folder)}: no trained heads there; wanted {names}, "
            "as python -m experiments.train --data captions.csv --out writes them"
        )
    return paths


def _check_encoders(path: Path, signatures: Mapping[str, str]) -> None:
    """Raise AffectError where heads were trained on other encoders than those with `signatures`."""
    trained_on = load_heads(path).encoder_signatures
    others = [role for role, signature in trained_on.items() if signatures.get(role) != signature]
    if others:
        details = ", ".join(
            f"{role} {trained_on[role]} (here {signatures.get(role, 'none')})" for role in sorted(others)
        )
        raise AffectError(
            f"{to_printable(path)}: trained on other encoders: {details}; "
            "make a library with those (--encoders), or train again"
        )


def install_heads(library: Library, paths: Mapping[str, Path]) -> None:
    """Copy heads and their cards into a library and project it with them; no media are read.

    Heads of other spaces and an alignment stay. The caller holds the write lock. Raises AffectError when the
    disk is full, and then changes nothing.
    """
    before = list_custom_heads(library.catalog)
    files = {**before, **{space: _copy_heads(library, space, path) for space, path in paths.items()}}
    try:
        if files != before:
            library.install_custom_heads(files)
    finally:
        remove_unused_heads(library.folder, library.catalog)


def _copy_heads(library: Library, space: str, path: Path) -> str:
    """Copy a file of heads, and its card where it has one; returns the name it has in the library."""
    folder = library.folder / HEADS_FOLDER
    name = make_heads_name(space, load_heads(path).digest)
    with translate_disk_errors(library.folder):
        folder.mkdir(exist_ok=True)
        for source, target in ((path, folder / name), (path.with_suffix(CARD_SUFFIX), folder / name)):
            if source.exists():
                copied = target.with_suffix(source.suffix)
                with make_draft_path(copied) as draft:
                    shutil.copyfile(source, draft)
                    draft.replace(copied)
    return name


def make_heads_name(space: str, digest: str) -> str:
    """The name of a file of heads in a library, by the SHA-256 of its content."""
    return f"{space}-{digest[:12]}{HEADS_SUFFIX}"
