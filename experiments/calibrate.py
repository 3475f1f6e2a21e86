"""`python -m experiments.calibrate`: calibration of the cosines of the packaged encoders.

Matching pairs: two photos of a theme (oasis), two sounds of a word, a word and its sound (animal_sounds,
sounds_by_word). Background: pairs of the same files that do not match. Parts that judge the project are not
among them. Calibrations of the heads' own words are fitted with those heads (`experiments.train`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders import Rows
from experiments.datasets import DATA_ROOT, LabelledFile, load_animal_sounds, load_oasis
from experiments.datasets.animal_sounds import ENGLISH_ANIMAL_NAMES
from experiments.datasets.sounds_by_word import load_sounds_by_word
from experiments.experiment_command import ExperimentCommand
from experiments.features.extraction import encode_first_segments
from experiments.heads.audio_text.prompts import add_article
from fusion import fit_calibration
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.search import MATCH_PRIOR
from retrieval.search.calibration import make_calibration_key

ENCODERS_BY_VIEW = {
    "object.words": ("objects", "text", "object space"),
    "object.looks": ("objects",),
    "audio.sounds": ("sound",),
    "audio.events": ("events", "text"),
}
SOUND_PROMPTS = ("{}", "{article}", "the sound of {article}")
CALIBRATION_FILE = Path(str(files("retrieval.search") / "calibration.json"))
MAX_PAIRS_PER_LABEL = 200  # matching ones: 70 clips of a cat have 2415, four of a siren 6
SEED = 0

Mask = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledPairs:
    """Cosines (n,) of pairs, whether each matches, and the label of the first of each."""

    cosines: Rows
    is_match: Mask
    labels: Strings

    def limit_matches(self) -> LabelledPairs:
        """At most MAX_PAIRS_PER_LABEL matches a label, drawn at random."""
        rng = np.random.default_rng(SEED)
        kept = [np.flatnonzero(~self.is_match)]
        for label in np.unique(self.labels):
            own = np.flatnonzero(self.is_match & (self.labels == label))
            kept.append(rng.permutation(own)[:MAX_PAIRS_PER_LABEL])
        at = np.sort(np.concatenate(kept))
        return LabelledPairs(cosines=self.cosines[at], is_match=self.is_match[at], labels=self.labels[at])


@click.command("calibrate", cls=ExperimentCommand)
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=CALIBRATION_FILE)
def main(data: Path, out: Path) -> None:
    """Fit every packaged calibration and write them."""
    pipeline = FeaturePipeline(PipelineConfig())
    table = {**calibrate_photos(pipeline, data), **calibrate_sounds(pipeline, data)}
    out.write_text(json.dumps(table, indent=1) + "\n")
    for name, entry in table.items():
        click.echo(f"{name:<24} {entry['calibration']}")


def calibrate_photos(pipeline: FeaturePipeline, data_root: Path) -> dict[str, Any]:
    """Entries of photos by photos: those of one theme match."""
    photos = [photo for photo in load_oasis(data_root) if photo.split == "train"]
    rows = pipeline.project(encode_first_segments(pipeline, photos))
    labels = np.array([photo.labels[0] for photo in photos])
    entries: dict[str, Any] = {}
    for view in ("object.words", "object.looks"):
        entries |= _make_entry(pipeline, view, "frames", _pair_items(rows[view], labels))
    return entries


def calibrate_sounds(pipeline: FeaturePipeline, data_root: Path) -> dict[str, Any]:
    """Entries of sounds by sounds and of their events by words: those of one word match."""
    clips = list_sounds(data_root)
    rows = pipeline.project(encode_first_segments(pipeline, clips))
    labels = np.array([clip.labels[0] for clip in clips])
    entries: dict[str, Any] = {}
    for view in ("audio.sounds", "audio.events"):
        entries |= _make_entry(pipeline, view, "sound", _pair_items(rows[view], labels))
    words = np.unique(labels)
    prompts = [form.format(word, article=add_article(word)) for word in words for form in SOUND_PROMPTS]
    texts = pipeline.project(pipeline.encode_text(prompts))["audio.events"]
    by_text = np.repeat(words, len(SOUND_PROMPTS))[:, None]
    pairs = LabelledPairs(
        cosines=(texts @ rows["audio.events"].T).ravel(),
        is_match=(by_text == labels).ravel(),
        labels=np.broadcast_to(by_text, (len(texts), len(labels))).ravel(),
    )
    return entries | _make_entry(pipeline, "audio.events", "text", pairs)


def list_sounds(data_root: Path) -> list[LabelledFile]:
    """Clips of animals (train) and of other things, by an English word each."""
    animals = [clip for clip in load_animal_sounds(data_root) if clip.split == "train"]
    return [
        *(
            LabelledFile(path=clip.path, labels=(ENGLISH_ANIMAL_NAMES[clip.labels[0]],), split="train")
            for clip in animals
        ),
        *load_sounds_by_word(data_root),
    ]


def _pair_items(rows: Rows, labels: Strings) -> LabelledPairs:
    """All pairs of items (n, d); those of one label match."""
    first, second = np.triu_indices(len(labels), 1)
    return LabelledPairs(
        cosines=(rows @ rows.T)[first, second],
        is_match=labels[first] == labels[second],
        labels=labels[first],
    )


def _make_entry(
    pipeline: FeaturePipeline, view: str, query_modality: str, all_pairs: LabelledPairs
) -> dict[str, Any]:
    pairs = all_pairs.limit_matches()
    is_known = ~np.isnan(pairs.cosines)
    matching, background = (pairs.cosines[is_known & chosen] for chosen in (pairs.is_match, ~pairs.is_match))
    fitted = fit_calibration(background, matching, MATCH_PRIOR)
    roles = json.loads(pipeline.make_signature())
    return {
        make_calibration_key(view, query_modality): {
            "encoders": {role: roles[role] for role in ENCODERS_BY_VIEW[view]},
            "calibration": {name: round(value, 4) for name, value in fitted.to_dict().items()},
            "pairs": {"matching": len(matching), "background": len(background)},
        }
    }


if __name__ == "__main__":
    main()
