"""OASIS: photos with ratings of valence and arousal (Kurdi, Lozano & Banaji 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import (
    CaptionDataset,
    LabelledFile,
    RatedText,
    average_ratings,
    make_caption_dataset,
    parse_affect,
    read_table,
)
from spaces.circumplex import RATING_SCALES

FOLDER = "oasis"
SCALE_HALF_RANGE = (RATING_SCALES["oasis"][1] - RATING_SCALES["oasis"][0]) / 2


@dataclass(frozen=True, kw_only=True)
class OasisImage(LabelledFile):
    """A photo, labelled with its theme, such as "Lake", and the ratings of about 100 people.

    mean:     valence and arousal in [-1, 1], the mean over raters; NaN where the table has no such column
    rater_sd: standard deviation between raters, in the same units
    n_raters: number of raters of each
    is_cc0:   whether the photo came from Pixabay under CC0
    """

    mean: tuple[float, float]
    rater_sd: tuple[float, float]
    n_raters: tuple[float, float]
    is_cc0: bool

    @property
    def theme(self) -> str:
        """The group of the photo: themes never cross a split."""
        return self.labels[0]


def load_oasis(data_root: Path = DATA_ROOT) -> list[OasisImage]:
    """All photos, in the order of the table. Raises AffectError where it is missing."""
    folder = data_root / FOLDER
    return [_parse_image(folder, row) for row in read_table(folder / "oasis.csv")]


def load_oasis_captions(data_root: Path = DATA_ROOT) -> CaptionDataset:
    """The photos by the word of their theme; a theme is never split."""
    return make_caption_dataset("oasis", load_oasis(data_root), "label", group_by_label=True)


def load_oasis_themes(data_root: Path = DATA_ROOT) -> list[RatedText]:
    """The themes as texts, each with the mean rating of its photos within a split."""
    return average_ratings((image.theme, image.split, image.mean) for image in load_oasis(data_root))


def _parse_image(folder: Path, row: Mapping[str, str]) -> OasisImage:
    return OasisImage(
        path=folder / row["file"],
        labels=(row["theme_base"],),
        split=row["split"],
        mean=parse_affect(row.get("valence_mean"), row.get("arousal_mean"), "oasis"),
        rater_sd=(
            _parse_number(row.get("valence_sd")) / SCALE_HALF_RANGE,
            _parse_number(row.get("arousal_sd")) / SCALE_HALF_RANGE,
        ),
        n_raters=(_parse_number(row.get("valence_n")), _parse_number(row.get("arousal_n"))),
        is_cc0=row.get("licence_class") == "pixabay_cc0",
    )


def _parse_number(cell: str | None) -> float:
    return float(cell or "nan")
