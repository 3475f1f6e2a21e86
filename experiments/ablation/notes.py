"""What a table says below itself: the rules of the evaluation, notes on the data, settings and flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.ablation.row_statistics import RESAMPLES
from experiments.ablation.settings import DEFAULT_RULES
from experiments.ablation.space_spec import label_role
from retrieval.evaluation import EvaluationProtocol

TIE_RULES_IN_WORDS = {
    "expected": "in expectation over random orders of tied items",
    "average": "average rank",
    "optimistic": "the target first",
    "pessimistic": "the target last",
    "argsort": "the later item first",
    "each": "every rank that the target may take counts, so that queries with ties weigh more",
}
MEDIANS_IN_WORDS = {"floor": "floor(median) + 1", "plain": "median + 1"}
GALLERIES_IN_WORDS = {
    "captions": "the best of an item's captions among all captions",
    "videos": "among items, each by its best caption",
}
STATISTICAL_RULES = (
    "Similarities of several spaces: their mean over those that speak of the item; an item of which none "
    "speaks ranks below all others.",
    "Figures: mean over seeds, ± standard deviation over seeds, and in brackets the 95 % interval over "
    "queries for these trained networks: of recalls a score interval, of rsum by the recalls' intervals and "
    f"correlations, of ranks by bootstrap ({RESAMPLES} draws); an item's queries count together.",
    "Differences: in rsum, over the same queries. The words speak of the method: with other seeds and other "
    "queries (variance of seeds plus variance of items; Cochran and Cox). 'These networks' speaks of the "
    "networks trained here with other queries (paired t test over items). Rows with a trained space in "
    "common are compared seed by seed.",
    "Both p values and both intervals of a difference are corrected for the number of differences in the "
    "table (Bonferroni, level 5 %): an interval holds 0 exactly where no difference is shown.",
    f"The epoch kept is the best by rsum of the dev part under the rules '{DEFAULT_RULES}', among the epochs "
    "after the warm-up; nothing is chosen on the part reported on.",
)


@dataclass(frozen=True, kw_only=True)
class RunMetadata:
    """A run: the data set, number of seeds, settings, encoders by role, and the rows left out.

    rules_name: of the evaluator whose rules hold, as far as no setting changes them
    hashes, feature_files: of the data, as `DataSource` has them
    missing_features: items without features, by role and split
    provenance: as `describe_provenance`
    flags: as `list_flags`
    """

    data: str
    seeds: int
    settings: Mapping[str, Any]
    encoders: Mapping[str, str]
    notes: tuple[str, ...]
    left_out: Mapping[str, str]
    rules_name: str
    protocol: EvaluationProtocol
    hashes: Mapping[str, Any]
    feature_files: Mapping[str, Mapping[str, Any]]
    missing_features: Mapping[str, Mapping[str, int]]
    provenance: Mapping[str, Any]
    flags: tuple[str, ...]


def list_rules(metadata: RunMetadata) -> list[str]:
    """The rules of the evaluation and of the statistics."""
    return [f"Rules '{metadata.rules_name}': {describe_protocol(metadata.protocol)}", *STATISTICAL_RULES]


def describe_protocol(protocol: EvaluationProtocol) -> str:
    """The rules of an evaluation in words."""
    parts = [
        f"Ties: {TIE_RULES_IN_WORDS[protocol.ties]}.",
        f"MdR = {MEDIANS_IN_WORDS[protocol.median]}.",
        f"V2T: {GALLERIES_IN_WORDS[protocol.gallery]}.",
    ]
    if protocol.first == "exact" and protocol.ties != "expected":
        parts.append("R@1: rank 1 exactly.")
    if protocol.siblings == "tie" and protocol.gallery == "captions":
        parts.append("Further captions of the item that tie with its best count as ties.")
    return " ".join(parts)


def list_notes(metadata: RunMetadata) -> list[str]:
    """Flags, the rules of the evaluation, and notes on the data, the settings and the encoders."""
    return [
        *(f"Flag: {flag}." for flag in metadata.flags),
        *list_rules(metadata),
        f"Seeds: {metadata.seeds}.",
        *(f"{metadata.data}: {note}" for note in metadata.notes),
        *(f"Left out: {name} {why}." for name, why in metadata.left_out.items()),
        f"Settings: {', '.join(f'{name} {value}' for name, value in metadata.settings.items())}.",
        *(f"Encoder of {role}: {card}." for role, card in metadata.encoders.items()),
        *(
            f"Features of {label_role(role)}: {file['path']}, {file['files']} files, {file['bytes']} bytes, "
            f"SHA-256 {file['sha256']}."
            for role, file in metadata.feature_files.items()
        ),
    ]
