"""Settings of an alignment study, and the maps it can fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from encoders import AffectError
from losses import mapping_loss
from spaces.alignment import AlignmentMethod, make_closed_form_methods, make_learned_methods

PRECISION_DEPTH, NDCG_DEPTH = 5, 10  # ranks that count for precision and for nDCG


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """Settings that the outcome of a map depends on.

    draws:    permutations of the permutation tests
    shuffles: permutations of the pairs for which the map is fitted again
    sizes:    numbers of anchors of the learning curve; each is drawn `repeats` times a fold
    """

    seed: int = 0
    draws: int = 999
    shuffles: int = 19
    sizes: tuple[int, ...] = (10, 30, 100, 300)
    repeats: int = 2

    def to_json(self) -> dict[str, Any]:
        """As written to results.json and into the key of an outcome."""
        return {
            "seed": self.seed, "draws": self.draws, "shuffles": self.shuffles, "sizes": self.sizes,
            "again": self.repeats,
        }  # fmt: skip


def list_methods() -> dict[str, AlignmentMethod]:
    """All maps by name; the circumplex report's learned mapping with the mean of its loss over pairs."""
    return {**make_closed_form_methods(), **make_learned_methods(partial(mapping_loss, reduction="mean"))}


def select_methods(
    names: Sequence[str], methods: Mapping[str, AlignmentMethod]
) -> dict[str, AlignmentMethod]:
    """The named maps and identity; all without names. Raises AffectError for an unknown name."""
    if unknown := [name for name in names if name not in methods]:
        raise AffectError(f"no map {', '.join(unknown)}; maps: {', '.join(methods)}")
    return {name: method for name, method in methods.items() if not names or name in (*names, "identity")}
