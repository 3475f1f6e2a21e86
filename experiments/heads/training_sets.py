"""What the packaged heads learn from: photos with captions, and exercises with their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from encoders.base import Rows, encode_all, unit_rows
from experiments.datasets import Captioned
from experiments.datasets.registry import exercises, photos
from experiments.heads.audio_text.out_of_domain_texts import strangers
from experiments.heads.image_augmentation import views_of
from retrieval.features.pipeline import Experts
from retrieval.search.calibration import SENTENCES
from retrieval.training.cross_validation import Lesson, Plan, zero_shot_rows
from spaces.joint.space import TEXT
from spaces.joint.training import Schedule
from spaces.joint.training_set import Material

NEAR = 0.55  # cosine from which a word is no stranger: "a barbell" is none among exercises
SCHEDULE = Schedule(
    epochs=120, rate=1e-3, decay="one-cycle", draw="items", weight_decay=0.01, clip=0, warm=60
)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One packaged space.

    roles: that its heads read
    read:  loads its data from the folder of the data sets
    views: of every item beside the plain one, see `experiments.heads.image_augmentation`
    told:  of the data, for the card
    licence: of the data
    """

    space: str
    roles: tuple[str, ...]
    read: Callable[[Path], Captioned]
    plan: Plan
    views: int
    told: str
    licence: str


SUBJECTS = {
    "object": Subject(
        space="object",
        roles=("objects",),
        read=photos,
        plan=Plan(losses=("infonce-learnt", "weighted"), warm="infonce-learnt", schedule=SCHEDULE, power=0.5),
        views=8,
        told="flickr1k, 800 photos of Flickr8k with five captions each (Hodosh et al. 2013)",
        licence="photos and captions for research use only (Flickr's terms); the weights hold neither",
    ),
    "activity": Subject(
        space="activity",
        roles=("activity", "objects"),
        read=exercises,
        plan=Plan(
            losses=("ridge", "infonce-learnt"), schedule=SCHEDULE, dim=384, power=0.5, gated=True,
            needs=("activity",),
        ),
        views=4,
        told="free-exercise-db, 698 exercises, start and end frame, by name",
        licence="Unlicense (public domain)",
    ),
}  # fmt: skip


def lesson(subject: Subject, experts: Experts, data: Path, *, seed: int, quiet: bool = False) -> Lesson:
    """Rows, sentence vectors and untrained cosines of a subject. Raises AffectError where data is missing."""
    found = subject.read(data)
    rows = views_of(experts, [item.media for item in found.items], subject.views, seed=seed, quiet=quiet)
    texts, owner = found.texts()
    raw = encode_all(experts.role(TEXT), texts)
    said = unit_rows(raw)
    untrained = next(space for space in experts.spaces if space.name == subject.space)
    material = Material(media={role: rows[role] for role in subject.roles}, texts=said, owner=owner)
    return Lesson(
        material=material,
        groups=found.groups,
        encoders={role: experts.role(role).card.signature for role in (*subject.roles, TEXT)},
        zero_shot=zero_shot_rows(untrained, material.plain, raw),
        strangers=_strangers(experts, said) if subject.plan.gated else None,
    )


def _strangers(experts: Experts, taught: Rows) -> Rows:
    """(s, d) unit vectors of words about other things than any of the texts taught (n, d)."""
    rows = unit_rows(encode_all(experts.role(TEXT), [*strangers(), *SENTENCES]))
    return rows[(rows @ taught.T).max(axis=1) < NEAR]
