"""Joint spaces of media and texts: trained heads in plain numpy.

A member is a pair of towers, one for media and one for texts, trained together (JEMC, Mithun et al. 2018:
linear projections). The unit rows of a space's members are concatenated, scaled by weight, so that a cosine
of the concatenation is the weighted mean of the members' cosines. The rows of an untrained space can be one
of the parts, which combines zero-shot and trained scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row, unit_rows
from spaces.base import Features, Space, Views
from spaces.ridge_regression import gaussian_kernel

WORDS_VIEW = "words"  # the view shared by texts and media
MAX_Z_SCORE = 10.0  # standard deviations: bounds columns that hardly varied in training
TEXT_ROLE = "text"  # the role of the text encoder


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearInput:
    """The linear input of one role of a tower.

    power:       signed power of every value (Perronnin et al. 2010); .5 compresses rare large values
    mean, scale: (d,) of the training items after that; a row is (row - mean) / scale
    weight:      (d, h)
    absent:      (h,) trained output where the role is missing
    """

    mean: Rows
    scale: Rows
    weight: Rows
    absent: Rows
    power: float = 1.0

    def __call__(self, rows: Rows) -> Rows:
        """(n, h) of raw rows (n, d); `absent` for those that are missing."""
        is_present = ~is_missing_row(rows)
        out = np.tile(self.absent, (len(rows), 1))
        standard = (signed_power(rows[is_present], self.power) - self.mean) / self.scale
        out[is_present] = np.clip(standard, -MAX_Z_SCORE, MAX_Z_SCORE) @ self.weight
        return out


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelInput:
    """The input of one role by Gaussian kernels at landmarks; see `spaces.joint.kernel_ridge`.

    power:       signed power of every value, as in `LinearInput`
    mean, scale: (d,) of the training items after that; a row is (row - mean) / scale
    centres:     (m, d) landmarks, standardised in the same way
    gamma:       the kernel is exp(-gamma * ||row - centre||^2)
    weight:      (m, h)
    absent:      (h,) output where the role is missing
    """

    mean: Rows
    scale: Rows
    centres: Rows
    gamma: float
    weight: Rows
    absent: Rows
    power: float = 1.0

    def __call__(self, rows: Rows) -> Rows:
        """(n, h) of raw rows (n, d); `absent` for those that are missing."""
        is_present = ~is_missing_row(rows)
        out = np.tile(self.absent, (len(rows), 1))
        standard = (signed_power(rows[is_present], self.power) - self.mean) / self.scale
        out[is_present] = gaussian_kernel(standard, self.centres, self.gamma) @ self.weight
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
        """(n, dim) `project_raw`, normalised to unit length."""
        return unit_rows(self.project_raw(features))

    def project_raw(self, features: Features) -> Rows:
        """(n, dim) rows from the roles in `features`, of any length; NaN where all of them are missing.

        Raises KeyError if none of its roles is in `features`.
        """
        roles = [role for role in self.inputs if role in features]
        if not roles:
            raise KeyError(f"no features of {', '.join(self.inputs)}")
        count = len(features[roles[0]])
        rows = np.tile(self.bias, (count, 1))
        for role, layer_input in self.inputs.items():
            rows += layer_input(features[role]) if role in features else layer_input.absent
        for layer in self.layers:
            rows = layer(rows)
        rows[np.all([is_missing_row(features[role]) for role in roles], axis=0)] = np.nan
        return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class TowerPair:
    """A trained pair of towers and its weight in the space's cosine; the text tower takes unit rows."""

    media: Tower
    text: Tower
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class TextDomain:
    """The domain of the training texts, outside of which similarities are noise.

    in_domain:      (m, d) unit sentence vectors of training texts
    min_similarity: least cosine of a text to the nearest of them
    out_of_domain:  (s, d) unit vectors of out-of-domain texts; a text at least as near to one of them as to
        any of `in_domain` is rejected (nearest neighbour rule, Cover & Hart 1967)
    """

    in_domain: Rows
    min_similarity: float
    out_of_domain: Rows | None = None

    def contains(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """(n,) whether unit sentence vectors (n, d) are in the domain; False for missing ones."""
        nearest = (rows @ self.in_domain.T).max(axis=1)
        is_inside = nearest >= self.min_similarity
        if self.out_of_domain is not None:
            is_inside &= nearest > (rows @ self.out_of_domain.T).max(axis=1)
        return np.asarray(is_inside)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heads:
    """Trained members of one space, as stored in a file.

    encoder_signatures: by role, the signature of the encoder they were trained on
    required_roles:   media roles without which an item abstains; where there are any, the other roles may be
        missing from a library
    zero_shot_weight: weight of the untrained space's cosine
    domain:           None where any text is accepted
    calibrations:     by source ("text", "frames", "sound"), parameters of a `fusion.Calibration`
        of the view "words", from held-out items
    digest:           SHA-256 of the file
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
        """The media roles of the members."""
        return tuple(dict.fromkeys(role for member in self.members for role in member.media.inputs))

    def can_read(self, signatures: Mapping[str, str]) -> bool:
        """Whether they were trained on these encoders; `signatures` by role, empty where none fills it."""
        return all(
            signatures[role] == trained_on or (not signatures[role] and self._is_optional(role))
            for role, trained_on in self.encoder_signatures.items()
        )

    def _is_optional(self, role: str) -> bool:
        return bool(self.required_roles) and role not in (*self.required_roles, TEXT_ROLE)


@dataclass(frozen=True, kw_only=True, eq=False)
class JointSpace:
    """Views: "words", the members' unit rows concatenated by weight, and the other views of `base_space`.

    base_space: the untrained space; its view "words", where it has one, is a part with the heads'
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
        if all(any(role in features for role in member.media.inputs) for member in members):
            rows = self._stack_members([member.media(features) for member in members], zero_shot)
            for role in self.heads.required_roles:
                rows[is_missing_row(features[role]) if role in features else slice(None)] = np.nan
            return {WORDS_VIEW: rows, **views}
        if TEXT_ROLE not in features:
            return views
        texts = {TEXT_ROLE: unit_rows(features[TEXT_ROLE])}
        text_rows = [member.text(texts) for member in members]
        if self.heads.domain:
            is_outside = ~self.heads.domain.contains(texts[TEXT_ROLE])
            for rows in text_rows:
                rows[is_outside] = np.nan
        return {WORDS_VIEW: self._stack_members(text_rows, zero_shot), **views}

    def _stack_members(self, rows: Sequence[Rows], zero_shot: Rows | None) -> Rows:
        share = self.heads.zero_shot_weight if zero_shot is not None else 0.0
        weights = np.array([member.weight for member in self.heads.members])
        shares = weights / weights.sum() * (1 - share)
        if zero_shot is not None and share:
            rows, shares = [*rows, zero_shot], np.append(shares, share)
        return stack_weighted(rows, shares)


def signed_power(rows: Rows, power: float) -> Rows:
    """(n, d) sign(x) |x|^power of every value."""
    return rows if power == 1 else np.asarray(np.sign(rows) * np.abs(rows) ** power, np.float32)


def stack_weighted(rows: Sequence[Rows], weights: npt.ArrayLike) -> Rows:
    """(n, sum of d) unit rows whose cosine is the mean of the parts' cosines, weighted by `weights` (m,).

    rows: unit rows (n, d) of each part; missing ones count as 0, so that the cosine is that of the others.
    """
    filled = [np.nan_to_num(part) for part in rows]
    scaled = [np.sqrt(weight) * part for weight, part in zip(np.asarray(weights), filled, strict=True)]
    return unit_rows(np.concatenate(scaled, axis=1))
