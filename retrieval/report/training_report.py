"""What the command line prints of training and aligning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from retrieval.training import AlignmentOutcome, TrainingOutcome


def print_training_outcomes(outcomes: Sequence[TrainingOutcome]) -> None:
    """What training came to, a line a space."""
    for one in outcomes:
        told = f"{one.space:<9} {one.item_count} items, {one.caption_count} captions"
        if one.shortening:
            told += f", in the time given {one.shortening}"
        if one.gain_interval is None:
            click.echo(f"{told}: left as it is: {one.reason}")
            continue
        low, high = one.gain_interval
        verdict = "taken" if one.is_used else "left as it is: no gain beyond the interval"
        click.echo(
            f"{told}: mean average precision on what was held out {one.baseline_map:.1f} -> "
            f"{one.trained_map:.1f} % "
            f"(gain {low:+.1f} to {high:+.1f}): {verdict}"
        )


def format_alignment_outcome(outcome: AlignmentOutcome) -> str:
    """What aligning came to."""
    told = f"{outcome.segment_count} segments of {outcome.video_count} videos"
    if outcome.gain_interval is None:
        return f"{told}: left as it is: {outcome.reason}"
    low, high = outcome.gain_interval
    verdict = "taken" if outcome.is_used else "left as it is: no gain beyond the interval"
    return (
        f"{told}, {outcome.method}: CCC of sound with pictures on videos held out "
        f"{outcome.baseline_ccc:.2f} -> "
        f"{outcome.aligned_ccc:.2f} (gain {low:+.2f} to {high:+.2f}, p {outcome.p_value:.3f}): {verdict}"
    )
