"""The card beside the heads that `affect train` writes: data, gain, how to use them, and provenance."""

from __future__ import annotations

from textwrap import wrap

from retrieval.provenance import CARD_LINE_WIDTH, Provenance
from retrieval.training.training_outcome import TrainingOutcome
from spaces.joint import Heads

USE_ELSEWHERE = (
    "Use: this library searches with them, until `affect train --undo`. For another library, with the same "
    "encoders: `affect index FOLDER --library OTHER --heads THIS_FOLDER`."
)


def format_heads_card(outcome: TrainingOutcome, heads: Heads, provenance: Provenance) -> str:
    """Markdown. Raises ValueError for an outcome without a measured gain."""
    if outcome.gain_interval is None:
        raise ValueError(f"{outcome.space}: nothing was trained")
    low, high = outcome.gain_interval
    encoders = ", ".join(f"{role} ({signature})" for role, signature in heads.encoder_signatures.items())
    figures = (
        f"Mean average precision on files held out in turn, by whole groups: {outcome.baseline_map} % "
        f"before, {outcome.trained_map} % with them (gain {low:+g} to {high:+g}, 95 %). The share of the "
        f"package's space in the cosine, {heads.zero_shot_weight:g}, was chosen on all parts, the one a part "
        "was measured with on the others."
    )
    return "\n".join(
        [
            f"# Heads of the {outcome.space} space, trained on a library's captions",
            "",
            *wrap(f"They read: {encoders}.", CARD_LINE_WIDTH, break_long_words=False),
            "",
            f"Data: {outcome.item_count} items with {outcome.caption_count} captions.",
            "",
            *wrap(figures, CARD_LINE_WIDTH),
            "",
            *wrap(USE_ELSEWHERE, CARD_LINE_WIDTH),
            "",
            *provenance.format_lines(),
            "",
        ]
    )
