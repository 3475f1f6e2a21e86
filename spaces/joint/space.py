"""Joint spaces: trained heads that bring media and words together, as plain numpy for use.

A member is a pair of towers, one for media and one for words, trained together (JEMC, Mithun et al. 2018:
linear projections). A space has one member or several: their unit rows are stacked, each by its weight, so
that one cosine in the stack is the weighted mean of the members' cosines. The rows of an untrained space may
be a member too, which is how zero-shot and trained scores are combined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, missing, unit_rows
from spaces.base import Features, Space, Views

VIEW = "words"  # the view in which words meet media
FARTHEST = 10.0  # standard deviations: a column that hardly varied in training says no more than that
LEAST_SPREAD = 1e-6  # below it, by 1 or the mean, a column does not vary and is left as large as it is
TEXT = "text"  # the role that reads words


@dataclass(frozen=True, kw_only=True, eq=False)
class Reader:
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
        here = ~missing(rows)
        out = np.tile(self.absent, (len(rows), 1))
        standard = (powered(rows[here], self.power) - self.mean) / self.scale
        out[here] = np.clip(standard, -FARTHEST, FARTHEST) @ self.weight
        return out


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelReader:
    """How one role enters a tower by its likeness to landmarks, in a Gaussian kernel; see `spaces.joint.kernel_ridge`.

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
        here = ~missing(rows)
        out = np.tile(self.absent, (len(rows), 1))
        out[here] = gaussian((rows[here] - self.mean) / self.scale, self.centres, self.gamma) @ self.weight
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

    readers: Mapping[str, Reader | KernelReader]
    bias: Rows
    layers: tuple[Layer, ...] = ()

    def __call__(self, features: Features) -> Rows:
        """(n, dim) unit rows of the roles that are there, as `values` has them."""
        return unit_rows(self.values(features))

    def values(self, features: Features) -> Rows:
        """(n, dim) rows of the roles that are there, of any length; NaN where none of them says anything.

        Raises KeyError if none of its roles is in `features`.
        """
        roles = [role for role in self.readers if role in features]
        if not roles:
            raise KeyError(f"no features of {', '.join(self.readers)}")
        count = len(features[roles[0]])
        rows = np.tile(self.bias, (count, 1))
        for role, reader in self.readers.items():
            rows += reader(features[role]) if role in features else reader.absent
        for layer in self.layers:
            rows = layer(rows)
        rows[np.all([missing(features[role]) for role in roles], axis=0)] = np.nan
        return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """A trained pair of towers and its share of the space's cosine; the text tower reads unit rows."""

    media: Tower
    text: Tower
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Domain:
    """What the heads were taught words about: of a text far from all of it they say nothing but noise.

    texts:     (m, d) unit sentence vectors
    least:     cosine to the nearest of them from which a text belongs
    strangers: (s, d) unit vectors of texts about something else; what is as near to one of them as to any of
               `texts` does not belong (nearest neighbour rule, Cover & Hart 1967)
    """

    texts: Rows
    least: float
    strangers: Rows | None = None

    def holds(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """(n,) whether unit sentence vectors (n, d) belong; False for missing ones."""
        nearest = (rows @ self.texts.T).max(axis=1)
        holds = nearest >= self.least
        if self.strangers is not None:
            holds &= nearest > (rows @ self.strangers.T).max(axis=1)
        return np.asarray(holds)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heads:
    """Trained members of one space, as they are kept in a file.

    encoders: by role, the signature of the encoder whose rows they read
    needs:    media roles without which an item abstains, whatever the others say of it
    share:    of the untrained space's cosine in the whole
    domain:   None where words of any kind may be asked
    calibrations: by source ("text", "frames", "sound"), the numbers of a `fusion.late_fusion.Calibration` of the
              view "words", from items the heads had not seen
    digest:   of the file
    """

    members: tuple[Member, ...]
    encoders: Mapping[str, str]
    needs: tuple[str, ...] = ()
    share: float = 0.0
    domain: Domain | None = None
    calibrations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    digest: str = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """The media roles they read."""
        return tuple(dict.fromkeys(role for member in self.members for role in member.media.readers))


@dataclass(frozen=True, kw_only=True, eq=False)
class JointSpace:
    """Views: "words", the members' unit rows stacked by weight, and what `base` has besides.

    base: the untrained space; its view "words", where it has one, joins the stack with the heads' `share`
    """

    name: str
    heads: Heads
    base: Space

    @property
    def version(self) -> str:
        """Changes with the weights and the base."""
        return f"joint-1-{self.heads.digest[:12]}+{self.base.version}"

    def project(self, features: Features) -> Views:
        """Unit rows from its media roles, or from the role "text"."""
        views = self.base.project(features)
        zero_shot = views.pop(VIEW, None)
        members = self.heads.members
        if all(any(role in features for role in one.media.readers) for one in members):
            rows = self._stacked([one.media(features) for one in members], zero_shot)
            for role in self.heads.needs:
                rows[missing(features[role]) if role in features else slice(None)] = np.nan
            return {VIEW: rows, **views}
        if TEXT not in features:
            return views
        said = {TEXT: unit_rows(features[TEXT])}
        found = [one.text(said) for one in members]
        if self.heads.domain:
            foreign = ~self.heads.domain.holds(said[TEXT])
            for rows in found:
                rows[foreign] = np.nan
        return {VIEW: self._stacked(found, zero_shot), **views}

    def _stacked(self, rows: Sequence[Rows], zero_shot: Rows | None) -> Rows:
        share = self.heads.share if zero_shot is not None else 0.0
        weights = np.array([member.weight for member in self.heads.members])
        shares = weights / weights.sum() * (1 - share)
        if zero_shot is not None and share:
            rows, shares = [*rows, zero_shot], np.append(shares, share)
        return stacked(rows, shares)


def powered(rows: Rows, power: float) -> Rows:
    """(n, d) every value to a power, its sign kept."""
    return rows if power == 1 else np.asarray(np.sign(rows) * np.abs(rows) ** power, np.float32)


def gaussian(rows: npt.NDArray[Any], centres: npt.NDArray[Any], gamma: float) -> npt.NDArray[Any]:
    """(n, m) exp(-gamma * ||row - centre||^2) of rows (n, d) and centres (m, d), in their own precision."""
    squares = (rows**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * rows @ centres.T
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0)))


def stacked(rows: Sequence[Rows], shares: npt.ArrayLike) -> Rows:
    """(n, sum of d) unit rows whose cosine is the mean of the parts' cosines, weighted by `shares` (m,).

    rows: unit rows (n, d) of each part; where some are missing the others speak alone.
    """
    there = [np.nan_to_num(part) for part in rows]
    scaled = [np.sqrt(share) * part for share, part in zip(np.asarray(shares), there, strict=True)]
    return unit_rows(np.concatenate(scaled, axis=1))
