"""Kernel ridge regression from media to words, on landmarks that are averages, so that no item is kept.

Kernel ridge (Saunders, Gammerman & Vovk 1998) with a Gaussian kernel, its solution held to the span of fewer
centres than items (Williams & Seeger 2001, "Using the Nyström method to speed up kernel machines"; the
projected form is the subset of regressors of Smola & Bartlett 2001). Targets lie among whitened sentence
vectors (ZCA: Kessy, Lewin & Strimmer 2018), in which words that share most of their meaning come apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, missing
from spaces.joint.space import TEXT, KernelReader, Member, Reader, Tower, gaussian

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SMALLEST = 1e-6  # standard deviation of a column, so that one that never changes divides nothing by zero
JITTER = 1e-10  # of the kernel's diagonal: landmarks may nearly coincide


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """How to fit.

    width:     the kernel is exp(-width / d * ||x - y||^2) of d standardised columns
    penalty:   of the ridge
    least:     how many items a landmark averages at the least
    balance:   a class of n items weighs n^(1 - balance)
    strangers: how much of the words' scatter comes from words of something else
    shrinkage: added to the scatter's eigenvalues, as a multiple of 1 / columns
    """

    width: float = 0.5
    penalty: float = 0.1
    least: int = 3
    balance: float = 0.5
    strangers: float = 0.25
    shrinkage: float = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class Wording:
    """How sentence vectors are read: unit, less the centre, times the map. `rows` are those of the prompts.

    centre: (d,) half-way between the prompts' mean and the strangers'
    map:    (d, d) symmetric
    rows:   (prompts, d) as they come out, not of unit length
    """

    centre: Floats
    map: Floats
    rows: Floats


def wording(prompts: Rows, strangers: Rows, how: Kernel) -> Wording:
    """From sentence vectors of prompts (m, d) and of words about something else (n, d)."""
    known, other = unit64(prompts), unit64(strangers)
    centre = (known.mean(axis=0) + other.mean(axis=0)) / 2
    known, other = unit64(known - centre), unit64(other - centre)
    scatter = known.T @ known / len(known) + how.strangers * other.T @ other / len(other)
    whiten = whitening(scatter, how.shrinkage / len(centre))
    return Wording(centre=centre, map=whiten, rows=known @ whiten)


def whitening(scatter: Floats, floor: float, share: float = 1.0) -> Floats:
    """(scatter + floor)^(-share / 2) of a symmetric matrix (d, d): whitening that turns the least it can.

    share: how far directions are evened out; 0 leaves them, 1 makes all alike
    """
    values, vectors = np.linalg.eigh(scatter)
    return np.asarray((vectors * (np.maximum(values, 0) + floor) ** (-share / 2)) @ vectors.T)


def targets(matches: npt.ArrayLike, words: Wording) -> Floats:
    """(items, d) unit rows: the mean of the prompts each matches, the rarer ones weighing more.

    matches: (items, prompts) in [0, 1]
    """
    degrees = np.asarray(matches, np.float64)
    return unit64(degrees / np.maximum(degrees.sum(axis=0), 1) @ words.rows)


def kernel_member(
    media: Rows, role: str, classes: Sequence[str], wanted: Floats, words: Wording, how: Kernel,
    *, altered: Rows | None = None, sources: Sequence[str] | None = None,
) -> Member:  # fmt: skip
    """A member whose media tower is kernel ridge on landmarks and whose words lie where `words` puts them.

    media:   (items, d) raw rows; the missing ones are left out
    classes: (items,) the class of each: classes weigh more alike than their sizes, landmarks average within
    wanted:  (items, k) unit rows, see `targets`
    altered: (items, count, d) raw rows of altered versions, to learn from beside the items themselves: they
             share its weight, and are in no landmark
    sources: (items,) what each was cut from; one item of each goes into landmarks, lest copies be one

    Raises ValueError where no item has a row.
    """
    kept = np.flatnonzero(~missing(media))
    if not len(kept):
        raise ValueError(f"no item has a row of {role}")
    rows, names = media[kept].astype(np.float64), np.asarray(classes)[kept]
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + SMALLEST
    distinct = np.arange(len(kept)) if sources is None else _first_of_each(np.asarray(sources)[kept])
    centres = landmarks(((rows - mean) / scale)[distinct], names[distinct], how.least)
    versions = rows[:, None] if altered is None else np.concatenate([rows[:, None], altered[kept]], axis=1)
    gamma = how.width / rows.shape[1]
    heard = ~np.isnan(versions).any(axis=2)
    owner = np.nonzero(heard)[0]
    weight = kernel_ridge(
        (versions[heard] - mean) / scale,
        centres,
        wanted[kept][owner],
        gamma=gamma,
        penalty=how.penalty,
        weights=(class_weights(names, how.balance) / heard.sum(axis=1))[owner],
    )
    nothing = np.zeros(weight.shape[1], np.float32)
    listens = KernelReader(
        mean=single(mean),
        scale=single(scale),
        centres=single(centres),
        gamma=gamma,
        weight=single(weight),
        absent=nothing,
    )
    return Member(
        media=Tower(readers={role: listens}, bias=nothing), text=text_tower(words.centre, words.map)
    )


def text_tower(centre: Floats, turn: Floats) -> Tower:
    """Unit sentence vectors (n, d) less the centre (d,), times the map (d, k)."""
    nothing = np.zeros(turn.shape[1], np.float32)
    words = Reader(
        mean=single(centre), scale=np.ones(len(centre), np.float32), weight=single(turn), absent=nothing
    )
    return Tower(readers={TEXT: words}, bias=nothing)


def kernel_ridge(
    rows: Floats, centres: Floats, wanted: Floats, *, gamma: float, penalty: float, weights: Floats
) -> Floats:
    """(m, k) weights A of the kernel's values at centres (m, d), from rows (n, d) to wanted (n, k).

    They make the sum of weights * ||K(rows, centres) A - wanted||^2 + penalty * trace(A' K(centres) A) least.
    With the rows as centres this is (K + penalty * diag(1 / weights))^-1 wanted, the whole kernel ridge.
    """
    return on_landmarks(
        gaussian(rows, centres, gamma), gaussian(centres, centres, gamma), wanted, penalty, weights
    )


def on_landmarks(seen: Floats, among: Floats, wanted: Floats, penalty: float, weights: Floats) -> Floats:
    """(m, k) as `kernel_ridge`, from values of any kernel: of rows (n, m) and among the centres (m, m)."""
    weighted = seen.T * weights
    system = weighted @ seen + penalty * among
    system[np.diag_indices(len(system))] += JITTER * np.trace(system) / len(system)
    return np.asarray(np.linalg.solve(system, weighted @ wanted))


def landmarks(rows: Floats, classes: npt.ArrayLike, least: int) -> Floats:
    """(m, d) means of `least` to 2 * least - 1 rows (n, d) of one class that lie close together.

    Each class is halved along its first principal axis, and the halves again (Verma, Kpotufe & Dasgupta 2009,
    "Which spatial partition trees are adaptive to intrinsic dimension?"). A class with fewer rows is one.
    """
    names = np.asarray(classes)
    parts = [
        part for name in np.unique(names) for part in _halves(rows, np.flatnonzero(names == name), least)
    ]
    return np.stack([rows[part].mean(axis=0) for part in parts])


def class_weights(classes: npt.ArrayLike, balance: float) -> Floats:
    """(n,) (size of the class / mean size)^-balance."""
    _, number, sizes = np.unique(np.asarray(classes), return_inverse=True, return_counts=True)
    return np.asarray((sizes[number] / sizes.mean()) ** -balance, np.float64)


def unit64(rows: npt.ArrayLike) -> Floats:
    """(n, d) float64 rows of length 1; those that are all zero stay so."""
    found = np.asarray(rows, np.float64)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def single(rows: Floats) -> Rows:
    """As float32."""
    return np.asarray(rows, np.float32)


def _first_of_each(names: npt.NDArray[np.str_]) -> Ints:
    return np.sort(np.unique(names, return_index=True)[1])


def _halves(rows: Floats, part: Ints, least: int) -> list[Ints]:
    if len(part) < 2 * least:
        return [part]
    centred = rows[part] - rows[part].mean(axis=0)
    inner = centred @ centred.T  # its first eigenvector holds the rows' places on the first principal axis
    order = np.argsort(np.linalg.eigh(inner)[1][:, -1], kind="stable")
    half = len(part) // 2
    return [one for side in (order[:half], order[half:]) for one in _halves(rows, part[side], least)]
