"""Names, colours and order of modalities in reports."""

from __future__ import annotations

from collections.abc import Collection

MODALITY_COLOURS = {"image": "#0072B2", "video": "#D55E00", "audio": "#009E73", "text": "#CC79A7"}
"""Palette safe for colour-blind readers (Okabe and Ito, 2008)."""
MODALITY_PLURALS = {"image": "photos", "video": "videos", "audio": "sounds", "text": "texts"}
DEFAULT_COLOUR = "#7f7f7f"


def sort_modalities(modalities: Collection[str]) -> list[str]:
    """Modalities in the order of MODALITY_COLOURS, then unknown ones by name."""
    return [modality for modality in MODALITY_COLOURS if modality in modalities] + sorted(
        set(modalities) - set(MODALITY_COLOURS)
    )


def format_count(count: int, modality: str) -> str:
    """A count with its noun, such as "1 photo" or "3 photos"."""
    name = MODALITY_PLURALS.get(modality, modality)
    return f"{count} {name.removesuffix('s') if count == 1 else name}"


def get_colour(modality: str) -> str:
    """The colour of a modality; grey for an unknown one."""
    return MODALITY_COLOURS.get(modality, DEFAULT_COLOUR)
