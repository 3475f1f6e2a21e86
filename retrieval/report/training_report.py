"""Terminal output of training and of affect alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from retrieval.training import AlignmentOutcome, TrainingOutcome


def print_training_outcomes(outcomes: Sequence[TrainingOutcome]) -> None:
    """Print the outcome of training, one line per space."""
    for outcome in outcomes:
        prefix = f"{outcome.space:<9} {outcome.item_count} items, {outcome.caption_count} captions"
        if outcome.shortening:
            prefix += f", in the time given {outcome.shortening}"
        if outcome.gain_interval is None:
            click.echo(f"{prefix}: left as it is: {outcome.reason}")
            continue
        low, high = outcome.gain_interval
        verdict = "taken" if outcome.is_used else "left as it is: no gain beyond the interval"
        click.echo(
            f"{prefix}: mean average precision on what was held out {outcome.baseline_map:.1f} -> "
            f"{outcome.trained_map:.1f} % "
            f"(gain {low:+.1f} to {high:+.1f}): {verdict}"
        )


def format_alignment_outcome(outcome: AlignmentOutcome) -> str:
    """The outcome of an alignment in one line."""
    prefix = f"{outcome.segment_count} segments of {outcome.video_count} videos"
    if outcome.gain_interval is None:
        return f"{prefix}: left as it is: {outcome.reason}"
    low, high = outcome.gain_interval
    verdict = "taken" if outcome.is_used else "left as it is: no gain beyond the interval"
    return (
        f"{prefix}, {outcome.method}: CCC of sound with pictures on videos held out "
        f"{outcome.baseline_ccc:.2f} -> "
        f"{outcome.aligned_ccc:.2f} (gain {low:+.2f} to {high:+.2f}, p {outcome.p_value:.3f}): {verdict}"
    )
