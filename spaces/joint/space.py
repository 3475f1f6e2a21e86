"""Joint spaces: trained heads that bring media and words together, as plain numpy for use.

A member is a pair of towers, one for media and one for words, trained together (JEMC, Mithun et al. 2018:
linear projections). A space has one member or several: their unit rows are stacked, each by its weight, so
that one cosine in the stack is the weighted mean of the members' cosines. The rows of an untrained space may
be a member too, which is how zero-shot and trained scores are combined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row, unit_rows
from spaces.base import Features, Space, Views
from spaces.ridge_regression import gaussian_kernel

WORDS_VIEW = "words"  # the view in which words meet media
MAX_Z_SCORE = 10.0  # standard deviations: a column that hardly varied in training says no more than that
TEXT_ROLE = "text"  # the role that reads words


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearInput:
    """How one role enters a tower.

    power:       of every value, its sign kept (Perronnin et al. 2010); .5 tames what is rarely large
    mean, scale: (d,) of the training items then; a row is (row - mean) / scale
    weight:      (d, h)
    absent:      (h,) what stands for the role where it has nothing to say, learnt as well
    """

    mean: Rows
    scale: Rows
    weight: Rows
    absent: Rows
    power: float = 1.0

    def __call__(self, rows: Rows) -> Rows:
        """(n, h) of raw rows (n, d); `absent` for those that are missing."""
        here = ~is_missing_row(rows)
        out = np.tile(self.absent, (len(rows), 1))
        standard = (signed_power(rows[here], self.power) - self.mean) / self.scale
        out[here] = np.clip(standard, -MAX_Z_SCORE, MAX_Z_SCORE) @ self.weight
        return out


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelInput:
    """How one role enters a tower by its likeness to landmarks, in a Gaussian kernel; see
    `spaces.joint.kernel_ridge`.

    mean, scale: (d,) of the training items; a row is (row - mean) / scale
    centres:     (m, d) landmarks, so standardised
    gamma:       the kernel is exp(-gamma * ||row - centre||^2)
    weight:      (m, h)
    absent:      (h,) what stands for the role where it has nothing to say
    """

    mean: Rows
    scale: Rows
    centres: Rows
    gamma: float
    weight: Rows
    absent: Rows

    def __call__(self, rows: Rows) -> Rows:
        """(n, h) of raw rows (n, d); `absent` for those that are missing."""
        here = ~is_missing_row(rows)
        out = np.tile(self.absent, (len(rows), 1))
        out[here] = (
            gaussian_kernel((rows[here] - self.mean) / self.scale, self.centres, self.gamma) @ self.weight
        )
        return out


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """ReLU, then a linear layer: weight (h, k), bias (k,)."""

    weight: Rows
    bias: Rows

    def __call__(self, rows: Rows) -> Rows:
        """(n, k) of rows (n, h)."""
        return np.asarray(np.maximum(rows, 0) @ self.weight + self.bias, np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tower:
    """Raw rows of one or more roles to unit rows: each role standardised and mapped, summed, then layers."""

    inputs: Mapping[str, LinearInput | KernelInput]
    bias: Rows
    layers: tuple[Layer, ...] = ()

    def __call__(self, features: Features) -> Rows:
        """(n, dim) unit rows of the roles that are there, as `values` has them."""
        return unit_rows(self.project_raw(features))

    def project_raw(self, features: Features) -> Rows:
        """(n, dim) rows of the roles that are there, of any length; NaN where none of them says anything.

        Raises KeyError if none of its roles is in `features`.
        """
        roles = [role for role in self.inputs if role in features]
        if not roles:
            raise KeyError(f"no features of {', '.join(self.inputs)}")
        count = len(features[roles[0]])
        rows = np.tile(self.bias, (count, 1))
        for role, reader in self.inputs.items():
            rows += reader(features[role]) if role in features else reader.absent
        for layer in self.layers:
            rows = layer(rows)
        rows[np.all([is_missing_row(features[role]) for role in roles], axis=0)] = np.nan
        return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class TowerPair:
    """A trained pair of towers and its share of the space's cosine; the text tower reads unit rows."""

    media: Tower
    text: Tower
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class TextDomain:
    """What the heads were taught words about: of a text far from all of it they say nothing but noise.

    in_domain: (m, d) unit sentence vectors
    min_similarity: cosine to the nearest of them from which a text belongs
    out_of_domain: (s, d) unit vectors of texts about something else; what is as near to one of them as to
        any of `in_domain` does not belong (nearest neighbour rule, Cover & Hart 1967)
    """

    in_domain: Rows
    min_similarity: float
    out_of_domain: Rows | None = None

    def contains(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """(n,) whether unit sentence vectors (n, d) belong; False for missing ones."""
        nearest = (rows @ self.in_domain.T).max(axis=1)
        holds = nearest >= self.min_similarity
        if self.out_of_domain is not None:
            holds &= nearest > (rows @ self.out_of_domain.T).max(axis=1)
        return np.asarray(holds)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heads:
    """Trained members of one space, as they are kept in a file.

    encoder_signatures: by role, the signature of the encoder whose rows they read
    required_roles: media roles without which an item abstains, whatever the others say of it
    zero_shot_weight: of the untrained space's cosine in the whole
    domain:   None where words of any kind may be asked
    calibrations: by source ("text", "frames", "sound"), the numbers of a `fusion.late_fusion.Calibration` of
              the view "words", from items the heads had not seen
    digest:   of the file
    """

    members: tuple[TowerPair, ...]
    encoder_signatures: Mapping[str, str]
    required_roles: tuple[str, ...] = ()
    zero_shot_weight: float = 0.0
    domain: TextDomain | None = None
    calibrations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    digest: str = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """The media roles they read."""
        return tuple(dict.fromkeys(role for member in self.members for role in member.media.inputs))


@dataclass(frozen=True, kw_only=True, eq=False)
class JointSpace:
    """Views: "words", the members' unit rows stacked by weight, and what `base_space` has besides.

    base_space: the untrained space; its view "words", where it has one, joins the stack with the heads'
        `zero_shot_weight`
    """

    name: str
    heads: Heads
    base_space: Space

    @property
    def version(self) -> str:
        """Changes with the weights and the base."""
        return f"joint-1-{self.heads.digest[:12]}+{self.base_space.version}"

    def project(self, features: Features) -> Views:
        """Unit rows from its media roles, or from the role "text"."""
        views = self.base_space.project(features)
        zero_shot = views.pop(WORDS_VIEW, None)
        members = self.heads.members
        if all(any(role in features for role in one.media.inputs) for one in members):
            rows = self._stack_members([one.media(features) for one in members], zero_shot)
            for role in self.heads.required_roles:
                rows[is_missing_row(features[role]) if role in features else slice(None)] = np.nan
            return {WORDS_VIEW: rows, **views}
        if TEXT_ROLE not in features:
            return views
        said = {TEXT_ROLE: unit_rows(features[TEXT_ROLE])}
        found = [one.text(said) for one in members]
        if self.heads.domain:
            foreign = ~self.heads.domain.contains(said[TEXT_ROLE])
            for rows in found:
                rows[foreign] = np.nan
        return {WORDS_VIEW: self._stack_members(found, zero_shot), **views}

    def _stack_members(self, rows: Sequence[Rows], zero_shot: Rows | None) -> Rows:
        share = self.heads.zero_shot_weight if zero_shot is not None else 0.0
        weights = np.array([member.weight for member in self.heads.members])
        shares = weights / weights.sum() * (1 - share)
        if zero_shot is not None and share:
            rows, shares = [*rows, zero_shot], np.append(shares, share)
        return stack_weighted(rows, shares)


def signed_power(rows: Rows, power: float) -> Rows:
    """(n, d) every value to a power, its sign kept."""
    return rows if power == 1 else np.asarray(np.sign(rows) * np.abs(rows) ** power, np.float32)


def stack_weighted(rows: Sequence[Rows], weights: npt.ArrayLike) -> Rows:
    """(n, sum of d) unit rows whose cosine is the mean of the parts' cosines, weighted by `weights` (m,).

    rows: unit rows (n, d) of each part; where some are missing the others speak alone.
    """
    there = [np.nan_to_num(part) for part in rows]
    scaled = [np.sqrt(share) * part for share, part in zip(np.asarray(weights), there, strict=True)]
    return unit_rows(np.concatenate(scaled, axis=1))
