"""Fitting the heads of one space, and knowing how good they are.

Whatever is chosen or told here (the share of the untrained space, calibrations, gains) comes from items that
the heads it was measured with had not seen: parts are held out in turn, whole groups at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from encoders.base import Rows, missing
from fusion.late_fusion import Calibration, fit_calibration
from losses import LOSSES
from retrieval.evaluation import Difference, compare
from retrieval.evaluation.splits import folds
from retrieval.search.calibration import PRIOR
from spaces.base import Features, Space
from spaces.joint.ridge import ridge
from spaces.joint.space import TEXT, VIEW, Domain, Heads, Member
from spaces.joint.towers import Joint, Projection, Sentences
from spaces.joint.training import Schedule, Training
from spaces.joint.training_set import Ints, Material

Step = Callable[[float], None]  # called with the part of a training that was done since the last call
Floats = npt.NDArray[np.float64]

RIDGE = "ridge"
SMALLEST = 1e-6  # spread of cosines
WHITEN = 0.5  # of the words of a ridge: half-way to all directions alike
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)  # of the untrained space, tried on what was held out
FOREIGN = 0.03  # share of held-out texts that may be taken for foreign


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train: one member for each of `losses`, each from another seed.

    losses:  names in `losses.LOSSES`, or "ridge" for least squares; with `warm` another loss leads the first
             part of the schedule
    dim:     of the joint space; where it is as wide as sentence vectors, texts begin with their own angles
    power:   of every media feature, see `spaces.joint.space.Reader`
    dropout, text_dropout: shares of the inputs left out in training
    folds:   parts held out in turn
    gated:   whether texts far from all training texts abstain
    needs:   media roles without which an item abstains
    """

    losses: tuple[str, ...]
    schedule: Schedule
    warm: str = ""
    dim: int = 768
    power: float = 1.0
    dropout: float = 0.7
    text_dropout: float = 0.1
    folds: int = 4
    gated: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """What to learn from.

    material:  items by role, in one view or more, and unit sentence vectors
    groups:    (items,) what is never torn apart between what is learnt and what is held out
    encoders:  signatures by role, the text expert's too
    zero_shot: unit rows of the untrained space, items (items, d) and texts (texts, d), if it has words
    strangers: (s, d) unit sentence vectors of words about something else, for a plan that is gated
    """

    material: Material
    groups: Sequence[str]
    encoders: Mapping[str, str]
    zero_shot: tuple[Rows, Rows] | None = None
    strangers: Rows | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """One fold that was held out: items and texts by number, cosines (texts, items) in both spaces."""

    items: Ints
    texts: Ints
    right: npt.NDArray[np.bool_]  # (texts, items) which match
    members: tuple[Rows, ...]
    untrained: Rows | None

    @property
    def weights(self) -> Floats:
        """(members,) so that the cosines of each vary alike; they add up to 1."""
        inverse = 1 / np.array([max(float(np.nanstd(one)), SMALLEST) for one in self.members])
        return np.asarray(inverse / inverse.sum())

    @cached_property
    def trained(self) -> Rows:
        """(texts, items) of the members together."""
        return np.asarray(np.average(self.members, axis=0, weights=self.weights), np.float32)

    def cosines(self, share: float) -> Rows:
        """(texts, items) with so much of the untrained space, where there is one."""
        if self.untrained is None or share == 0:
            return self.trained
        return (1 - share) * self.trained + share * np.nan_to_num(self.untrained)  # 0 where that abstains

    def before(self) -> Rows:
        """(texts, items) of the untrained space, or of no knowledge at all: numbers drawn at random."""
        if self.untrained is not None:
            return self.untrained
        return np.random.default_rng(0).random(self.trained.shape, np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """Heads trained on all items, the folds held out beforehand, and the (items,) groups they keep whole.

    The share of the untrained space was chosen on these folds, of eight, so figures with it are a little
    better than the truth.
    """

    heads: Heads
    held: Sequence[Held]
    groups: Sequence[str]

    def precisions(self, *, trained: bool) -> Floats:
        """(queries,) average precision of every held-out text and item; untrained, or else by chance."""
        share = self.heads.share if trained else 1.0
        return np.concatenate(
            [precisions(one.cosines(share) if trained else one.before(), one.right) for one in self.held]
        )

    def gain(self, seed: int = 0) -> Difference:
        """Of mean average precision in percent: trained less untrained, or less chance where that is mute.

        Groups are drawn and swapped whole, with all their texts.
        """
        groups = np.asarray(self.groups)[np.concatenate([_asked_of(one) for one in self.held])]
        after, before = (100 * self.precisions(trained=trained) for trained in (True, False))
        return compare(after, before, seed=seed, groups=groups)


def zero_shot_rows(space: Space, features: Features, raw: Rows) -> tuple[Rows, Rows] | None:
    """Where an untrained space puts items' features and raw sentence vectors; None without words."""
    seen, said = space.project(features).get(VIEW), space.project({TEXT: raw}).get(VIEW)
    return None if seen is None or said is None else (seen, said)


def fit(lesson: Lesson, plan: Plan, *, seed: int, step: Step = lambda part: None) -> Fitted:
    """Heads for one space. `step` is called with parts that add up to (folds + 1) * members trainings.

    Raises ValueError where there is too little to learn from.
    """
    held = [_held_out(lesson, plan, items, seed, step) for items in folds(lesson.groups, plan.folds, seed)]
    share = best_share(held)
    found = members(lesson, plan, np.arange(lesson.material.items), seed, step)
    weights = np.mean([one.weights for one in held], axis=0)
    heads = Heads(
        members=tuple(replace(one, weight=float(weight)) for one, weight in zip(found, weights, strict=True)),
        encoders=lesson.encoders,
        needs=plan.needs,
        share=share,
        domain=_domain(lesson, held) if plan.gated else None,
        calibrations={TEXT: calibration(held, share).to_dict()},
    )
    return Fitted(heads=heads, held=held, groups=lesson.groups)


def members(
    lesson: Lesson, plan: Plan, items: Ints, seed: int, step: Step = lambda part: None
) -> list[Member]:
    """One member for each loss of the plan, trained on these items alone."""
    material = lesson.material.part(items)
    found = []
    for number, loss in enumerate(plan.losses):
        if loss == RIDGE:
            found.append(ridge(material, whiten=WHITEN))
            step(1.0)
        else:
            found.append(_trained(material, plan, loss, seed + 1000 * number, step))
    return found


def _trained(material: Material, plan: Plan, loss: str, seed: int, step: Step = lambda part: None) -> Member:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        media = Projection(material.widths, plan.dim, dropout=plan.dropout, power=plan.power)
        model = Joint(media, Sentences(material.texts.shape[1], plan.dim, dropout=plan.text_dropout))
    Training(
        model=model,
        material=material,
        loss=LOSSES[loss](),
        warm=LOSSES[plan.warm]() if plan.warm and plan.warm != loss else None,
        schedule=plan.schedule,
        seed=seed,
        report=lambda epoch: step(1 / plan.schedule.epochs),
    ).run()
    return model.member()


def _held_out(lesson: Lesson, plan: Plan, items: Ints, seed: int, step: Step) -> Held:
    """Train without these items; how they and their texts then lie."""
    rest = np.setdiff1d(np.arange(lesson.material.items), items)
    found = members(lesson, plan, rest, seed, step)
    material = lesson.material
    part = material.part(items)
    texts = np.flatnonzero(np.isin(material.owner, items))
    media, said = [one.media(part.plain) for one in found], material.vectors[texts]
    cosines = [one.text({TEXT: said}) @ rows.T for one, rows in zip(found, media, strict=True)]
    untrained = None
    if lesson.zero_shot:
        untrained = lesson.zero_shot[1][texts] @ lesson.zero_shot[0][items].T
    right = material.kind[material.owner[texts]][:, None] == part.kind
    return Held(items=items, texts=texts, right=right, members=tuple(cosines), untrained=untrained)


def best_share(held: Sequence[Held]) -> float:
    """The share of the untrained space with the best mean average precision, both ways."""
    if held[0].untrained is None:
        return 0.0
    scores = [np.mean([precisions(one.cosines(share), one.right).mean() for one in held]) for share in SHARES]
    return SHARES[int(np.argmax(scores))]


def precisions(cosines: Rows, right: npt.NDArray[np.bool_]) -> Floats:
    """(texts + items,) average precision of each text among the items, then of each item among the texts.

    With one right answer it is the reciprocal rank; without any it is 0. What is missing ranks last.
    """
    return np.concatenate([_average_precision(cosines, right), _average_precision(cosines.T, right.T)])


def _average_precision(cosines: Rows, right: npt.NDArray[np.bool_]) -> Floats:
    order = np.argsort(-np.nan_to_num(cosines, nan=-np.inf), axis=1, kind="stable")
    hits = np.take_along_axis(right, order, axis=1)
    found = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((found * hits).sum(axis=1) / np.maximum(hits.sum(axis=1), 1), np.float64)


def calibration(held: Sequence[Held], share: float) -> Calibration:
    """How to read cosines of texts and items that the heads had not seen."""
    right = np.concatenate([one.cosines(share)[one.right] for one in held])
    rest = np.concatenate([one.cosines(share)[~one.right] for one in held])
    return fit_calibration(rest, right, PRIOR)


def _asked_of(held: Held) -> Ints:
    """(texts + items,) the item each query of `precisions` belongs to."""
    first = held.right.argmax(axis=1)
    return np.concatenate([held.items[first], held.items])


def _domain(lesson: Lesson, held: Sequence[Held]) -> Domain:
    """All texts, and how near a text asked of what was held out has one of the rest, but for a few."""
    texts, owner = lesson.material.vectors, lesson.material.owner
    nearest = [(texts[one.texts] @ texts[~np.isin(owner, one.items)].T).max(axis=1) for one in held]
    least = float(np.nanquantile(np.concatenate(nearest), FOREIGN))
    kept = np.unique(texts[~missing(texts)], axis=0)
    return Domain(texts=kept, least=round(least, 4), strangers=lesson.strangers)
