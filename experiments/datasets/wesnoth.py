"""Excerpts of 20 s of the music of Battle for Wesnoth (GPL-2+, some CC BY-SA 4.0)."""

from __future__ import annotations

import re
from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import list_ogg_files

FOLDER = "wesnoth_music"


def list_wesnoth_excerpts(data_root: Path = DATA_ROOT) -> list[Path]:
    """Files of the excerpts, by name. Raises AffectError where there is none."""
    return list_ogg_files(data_root / FOLDER / "excerpts_20s_ogg")


def get_track_group(path: Path) -> str:
    """The first word of a track's file name, which its variations share."""
    return re.split("[-_0-9]", path.stem)[0]
