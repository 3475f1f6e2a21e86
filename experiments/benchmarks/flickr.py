"""Words against photos nobody trained on: recall on flickr1k, beside ConSE as it was published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, unit_rows
from experiments.datasets import DATA, Labelled, flickr1k
from experiments.features.extraction import features_of
from experiments.statistics.report import Bar, Cell, Figure, Report, json_option, publish, seed_option
from retrieval.evaluation import bootstrap_interval, mean_rank, median_rank, ranks, recall
from retrieval.features.pipeline import Experts, Recipe
from spaces.zero_shot import PROMPT, convex_mix, label_probabilities

BAR = 50.0  # R@10 of text to photo
PLAIN_TOP = 10  # labels in the mix of Norouzi et al. 2014
DEPTHS = (1, 5, 10)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@click.command("flickr", short_help="Text to photo recall on flickr1k.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--split", default="dev", show_default=True)
@click.option("--photos", type=click.IntRange(1), help="Take only so many.")
@seed_option
@json_option
def command(data: Path, split: str, photos: int | None, seed: int, as_json: bool) -> None:
    """Zero-shot recall between words and photos, through the engine's own experts and untrained space.

    Every caption is a query (text to photo); photo to text takes the best of a photo's captions among all.
    """
    files = [photo for photo in flickr1k(data) if photo.split == split][:photos]
    if not files:
        raise AffectError(f"{data}: flickr1k has no photo in the split {split!r}")
    publish(measured(files, split, seed), as_json=as_json)


def measured(files: Sequence[Labelled], split: str, seed: int) -> Report:
    """Rows for the engine's space and for plain ConSE, and their difference on the same queries."""
    own = np.repeat(np.arange(len(files)), [len(photo.labels) for photo in files])
    ours, plain = similarities(Experts(Recipe(), packaged=False), files)
    found = {name: ranks(made, own) for name, made in (("untrained", ours), ("plain ConSE", plain))}
    there, back = "text to photo", "photo to text"
    rows = [{"search": there, "way": name, **told(one, own, seed)} for name, one in found.items()]
    gained = gain(found["untrained"], found["plain ConSE"], own, seed)
    rows.append({"search": there, "way": "untrained less plain", "R@10": gained})
    for name, made in (("untrained", ours), ("plain ConSE", plain)):
        ranked = photo_ranks(made, own)
        rows.append({"search": back, "way": name, **told(ranked, np.arange(len(files)), seed)})
    return Report(
        bench="flickr",
        settings={"split": split, "photos": len(files), "captions": len(own), "seed": seed},
        rows=rows,
        bars=[Bar("text to photo R@10", recall(found["untrained"], 10), BAR, least=True)],
        notes=[
            "95 % bootstrap intervals, whole photos drawn; ties: average rank; MdR = floor(median) + 1",
            "plain: ten likeliest labels, softmax at temperature 1, sentence vectors not centred",
        ],
    )


def similarities(experts: Experts, files: Sequence[Labelled]) -> tuple[Floats, Floats]:
    """(captions, photos) cosines in the view "object.words", and those of plain ConSE."""
    features = features_of(experts, files)
    said = experts.read([caption for photo in files for caption in photo.labels])
    words = experts.project(said)["object.words"]
    ours = words @ experts.project(features)["object.words"].T
    plain = unit_rows(said["text"]) @ plain_conse(experts, features["objects"]).T
    return ours.astype(np.float64), plain.astype(np.float64)


def plain_conse(experts: Experts, features: Rows) -> Rows:
    """Unit rows of raw object features by the published recipe, with the engine's networks."""
    objects: Any = experts.role("objects")
    vectors = experts.role("text").encode([PROMPT.format(label) for label in objects.classes])
    shares = label_probabilities(objects.logits(features), temperature=1)
    return unit_rows(convex_mix(shares, unit_rows(vectors), top=PLAIN_TOP))


def photo_ranks(similarity: Floats, own: Ints) -> Floats:
    """(photos,) rank of each photo's best own caption among all captions; `similarity` (captions, photos)."""
    mine = own[:, None] == np.arange(similarity.shape[1])
    best = np.where(mine, similarity, -np.inf).argmax(axis=0)
    return ranks(similarity.T, best)


def told(found: Floats, groups: Ints, seed: int) -> dict[str, Cell]:
    """Recalls in percent and ranks from 1, with intervals."""
    at: dict[str, Cell] = {
        f"R@{k}": Figure(recall(found, k), *bootstrap_interval(100.0 * (found < k), seed=seed, groups=groups))
        for k in DEPTHS
    }
    middle = Figure(median_rank(found), *bootstrap_interval(found, median_rank, seed=seed, groups=groups))
    mean = Figure(mean_rank(found), *bootstrap_interval(found, mean_rank, seed=seed, groups=groups))
    return {**at, "MdR": middle, "MnR": mean}


def gain(left: Floats, right: Floats, groups: Ints, seed: int, k: int = 10) -> Figure:
    """R@k of one way less that of another over the same queries, in points."""
    difference = 100.0 * ((left < k).astype(float) - (right < k))
    interval = bootstrap_interval(difference, seed=seed, groups=groups)
    return Figure(float(difference.mean()), *interval)
