"""What results say of their data: hashes and missing features; whether a folder is of other data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from encoders import AffectError, is_missing_row, to_printable
from experiments.ablation.prepared_data import SPLITS, PreparedData
from experiments.ablation.space_spec import AUDIO_ROLE_PREFIX, label_role
from experiments.datasets import CaptionDataset

RESULTS_FILE = "results.json"


def compute_hashes(dataset: CaptionDataset, data: PreparedData) -> dict[str, Any]:
    """SHA-256 of the items' ids, captions, splits and groups, and of the features of each role."""
    items = [(item.id, item.captions, item.split, item.group) for item in dataset.items]
    captions = hashlib.sha256(json.dumps(items).encode()).hexdigest()
    return {"captions": captions, "features": data.hash_features()}


def count_missing_features(data: PreparedData) -> dict[str, dict[str, int]]:
    """Items without features by role and split; roles that no item lacks, or all lack, are left out."""
    counts = {}
    for role, rows in data.features.items():
        is_missing = is_missing_row(rows)
        if is_missing.any() and not is_missing.all():
            counts[role] = {split: int(is_missing[data.select_items(split)].sum()) for split in SPLITS}
    return counts


def describe_missing_features(data: PreparedData) -> tuple[str, ...]:
    """A note for each role whose features some items lack."""
    sizes = {split: len(data.select_items(split)) for split in SPLITS}
    return tuple(
        f"without features of {label_role(role)}: "
        + ", ".join(f"{count} of {sizes[split]} {split} items" for split, count in counts.items())
        for role, counts in count_missing_features(data).items()
    )


def check_out_folder(folder: Path, hashes: Mapping[str, Any]) -> None:
    """Raises AffectError where a folder holds results of other captions or features."""
    file = folder / RESULTS_FILE
    if not file.exists():
        return
    try:
        stored = json.loads(file.read_text())["hashes"]
    except (OSError, ValueError, KeyError, TypeError):
        stored = None
    if stored is not None and _describe_same_data(stored, hashes) == _describe_same_data(hashes, stored):
        return
    if stored is None:
        reason = "does not say of which data it is"
    elif stored.get("captions") == hashes["captions"]:
        reason = "is of other features of the same captions"
    else:
        reason = "is of other data"
    raise AffectError(f"{to_printable(file)}: {reason}; name another folder with --out, or remove it")


def _describe_same_data(hashes: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """`hashes` without those of further audio experts that the others lack: they only add rows."""
    known = others.get("features") or {}
    features = hashes.get("features") or {}
    kept = {
        role: digest
        for role, digest in features.items()
        if role in known or not role.startswith(AUDIO_ROLE_PREFIX)
    }
    return {**hashes, "features": kept}
