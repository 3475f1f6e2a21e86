"""What the command line prints of training and aligning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from retrieval.training.align_affect import Outcome as Alignment
    from retrieval.training.train_heads import Outcome


def outcomes_table(outcomes: Sequence[Outcome]) -> None:
    """What training came to, a line a space."""
    for one in outcomes:
        told = f"{one.space:<9} {one.items} items, {one.texts} captions"
        if one.cut:
            told += f", in the time given {one.cut}"
        if one.gain is None:
            click.echo(f"{told}: left as it is: {one.why}")
            continue
        low, high = one.gain
        verdict = "taken" if one.taken else "left as it is: no gain beyond the interval"
        click.echo(
            f"{told}: mean average precision on what was held out {one.before:.1f} -> {one.after:.1f} % "
            f"(gain {low:+.1f} to {high:+.1f}): {verdict}"
        )


def alignment_line(outcome: Alignment) -> str:
    """What aligning came to."""
    told = f"{outcome.segments} segments of {outcome.videos} videos"
    if outcome.gain is None:
        return f"{told}: left as it is: {outcome.why}"
    low, high = outcome.gain
    verdict = "taken" if outcome.taken else "left as it is: no gain beyond the interval"
    return (
        f"{told}, {outcome.method}: CCC of sound with pictures on videos held out {outcome.before:.2f} -> "
        f"{outcome.after:.2f} (gain {low:+.2f} to {high:+.2f}, p {outcome.p:.3f}): {verdict}"
    )
