"""Both directions of a text-video benchmark under named rules; a result says which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.captions import (
    Mask,
    numbered_names,
    owners,
    standing_among_captions,
    standing_among_items,
)
from retrieval.evaluation.rank_counts import Floats, Standing, standing
from retrieval.evaluation.resampling import Difference, bootstrap_interval, compare
from retrieval.evaluation.rules import MEASURES, PROTOCOL, Rules, measured
from retrieval.evaluation.similarity_blocks import Block, Table, as_table


@dataclass(frozen=True, eq=False, kw_only=True)
class Direction:
    """One direction, query by query: `asked` names the queries, `groups` the video each belongs to."""

    name: str
    asked: tuple[str, ...]
    groups: tuple[str, ...]
    standing: Standing
    rules: Rules

    @property
    def ranks(self) -> Floats:
        """0-based ranks under the rules: (q,), or more under ties="each"."""
        return self.standing.ranks(self.rules.ties)

    def measure(self, name: str) -> float:
        """One of MEASURES, or any R@k. Raises ValueError for another name or without queries."""
        return measured(self.ranks, name, self.rules)

    def bounds(self, name: str) -> tuple[float, float]:
        """The measure with ties all against (pessimistic) and all for the right item (optimistic)."""
        against, in_favour = (self.standing.ranks(ties) for ties in ("pessimistic", "optimistic"))
        return measured(against, name, self.rules), measured(in_favour, name, self.rules)

    def interval(self, name: str, *, seed: int, draws: int = 2000) -> tuple[float, float]:
        """95 % bootstrap interval of a measure; a video's queries are drawn together."""
        groups = np.asarray(self.groups)[self.standing.askers(self.rules.ties)]
        return bootstrap_interval(
            self.ranks, lambda drawn: measured(drawn, name, self.rules), seed=seed, draws=draws, groups=groups
        )

    def against(self, other: Direction, name: str, *, seed: int, draws: int = 2000) -> Difference:
        """How much the measure is above that of `other`, over the same queries, paired.

        Raises ValueError for other queries or rules, or ties="each", which has no one rank a query.
        """
        if (self.asked, self.rules, self.name) != (other.asked, other.rules, other.name):
            raise ValueError("rows of different queries, rules or directions can't be compared")
        if self.rules.ties == "each":
            raise ValueError("ties='each' has no one rank a query; compare under another rule")
        return compare(
            self.ranks,
            other.ranks,
            lambda drawn: measured(drawn, name, self.rules),
            seed=seed,
            draws=draws,
            groups=self.groups,
        )

    def only(self, queries: Collection[str]) -> Direction:
        """Some queries by id, in the order they have here; ranked among everything as before.

        Raises ValueError for ids that were not asked.
        """
        wanted = set(queries)
        if unknown := sorted(wanted - set(self.asked)):
            raise ValueError(f"{self.name}: {len(unknown)} ids were not asked: {', '.join(unknown[:3])} ...")
        places = [place for place, one in enumerate(self.asked) if one in wanted]
        return replace(
            self,
            asked=tuple(self.asked[place] for place in places),
            groups=tuple(self.groups[place] for place in places),
            standing=self.standing.only(np.array(places, np.int64)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Measures, bounds, rules and ranks by query for JSON."""
        return {
            "direction": self.name,
            "rules": asdict(self.rules),
            "queries": len(self.asked),
            "entries": len(self.ranks),
            **{name: self.measure(name) for name in MEASURES},
            "bounds": {name: list(self.bounds(name)) for name in MEASURES},
            "ranks": dict(zip(self.asked, self.standing.ranks("average").tolist(), strict=True)),
        }

    def __str__(self) -> str:
        told = " ".join(f"{name} {self.measure(name):.1f}" for name in MEASURES)
        return f"{self.name} of {len(self.asked)} queries: {told} ({self.rules})"


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """Text to video and video to text."""

    t2v: Direction
    v2t: Direction

    @property
    def rsum(self) -> float:
        """Sum of the six recalls in percent, by which JEMC and VSE++ select their model."""
        return sum(side.measure(name) for side in (self.t2v, self.v2t) for name in MEASURES[:3])

    def measures(self) -> dict[str, float]:
        """All measures by name: "T2V R@1", ..., "rsum"."""
        told = {
            f"{side.name} {name}": side.measure(name) for side in (self.t2v, self.v2t) for name in MEASURES
        }
        return {**told, "rsum": self.rsum}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"t2v": self.t2v.to_dict(), "v2t": self.v2t.to_dict(), "rsum": self.rsum}

    def __str__(self) -> str:
        return f"{self.t2v}\n{self.v2t}\nrsum {self.rsum:.1f}"


def evaluate(
    similarity: Block | Table,
    caption_videos: Sequence[str],
    videos: Sequence[str],
    *,
    captions: Sequence[str] | None = None,
    mask: Mask | None = None,
    rules: Rules = PROTOCOL,
) -> Evaluation:
    """Both directions of similarities (c, v): one row a caption, one column a video.

    `caption_videos` (c,) and `videos` (v,) are ids: the target of a caption is found by id, wherever its
    column stands. `captions` (c,) are ids of the captions, "video#0", "video#1" without any. `mask` (c,)
    bool says which captions are there: the others are no queries and nobody's gallery, and a video that
    loses all of them is no query either.

    Raises ValueError for ids that are not unique or unknown, lengths that don't fit, or no captions.
    """
    table = as_table(similarity)
    owner = owners(table.shape, caption_videos, videos)
    names = tuple(captions) if captions is not None else numbered_names(caption_videos)
    kept = np.ones(len(owner), bool) if mask is None else np.asarray(mask)
    if kept.shape != owner.shape or kept.dtype != np.bool_ or not kept.any():
        raise ValueError(
            f"the mask must be bool {owner.shape} with captions left, not {kept.dtype}{kept.shape}"
        )
    if len(set(names)) != len(owner):
        raise ValueError(f"{len(owner)} captions need as many different ids, not {len(set(names))}")
    forth = standing(table, owner).only(kept)
    back, asked = video_to_text(table, owner, kept, rules)
    t2v_asked = tuple(name for name, there in zip(names, kept, strict=True) if there)
    t2v_groups = tuple(video for video, there in zip(caption_videos, kept, strict=True) if there)
    return Evaluation(
        t2v=Direction(name="T2V", asked=t2v_asked, groups=t2v_groups, standing=forth, rules=rules),
        v2t=Direction(
            name="V2T",
            asked=tuple(videos[number] for number in asked),
            groups=tuple(videos[number] for number in asked),
            standing=back,
            rules=rules,
        ),
    )


def video_to_text(
    table: Table, owner: npt.NDArray[np.int64], kept: Mask, rules: Rules
) -> tuple[Standing, npt.NDArray[np.int64]]:
    """The standing of each video that has captions, and which those are; see `evaluate`."""
    if rules.gallery == "captions":
        tie = rules.siblings == "tie"
        everyone = standing_among_captions(table.transpose(), owner, kept, siblings_tie=tie)
    else:
        everyone = standing_among_items(table.transpose(), owner, kept)
    asked = np.unique(owner[kept])
    return everyone.only(asked), asked


def across(evaluations: Sequence[Evaluation]) -> Mapping[str, tuple[float, float]]:
    """Mean and standard deviation (n - 1) of every measure over seeds or draws; ValueError below three."""
    if len(evaluations) < 3:
        raise ValueError(f"a spread needs three runs or more, not {len(evaluations)}")
    told = [one.measures() for one in evaluations]
    values = {name: [one[name] for one in told] for name in told[0]}
    return {name: (float(np.mean(runs)), float(np.std(runs, ddof=1))) for name, runs in values.items()}
