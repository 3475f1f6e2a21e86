"""The results of a whole run of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.alignment.folds import FOLD_COUNT
from experiments.alignment.generalised_procrustes import GpaResult
from experiments.alignment.loss_ablation import VariantResult
from experiments.alignment.power import MAX_TRIALS, MEDIUM, MIN_TRIALS, SUFFICIENT_POWER
from experiments.alignment.segment_lengths import VideoStudy
from experiments.alignment.set_result import SetResult
from experiments.alignment.study_config import NDCG_DEPTH, PRECISION_DEPTH, StudyConfig
from experiments.alignment.verdict import Verdict, make_verdict


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """Results of a run.

    results:  by the name of the set
    variants: the ablation of the learned mapping
    left_out: the reason, by the name of a set or of a comparison
    provenance: command, commit, versions and machine, as `describe_provenance` gives them
    """

    results: Mapping[str, SetResult]
    variants: Sequence[VariantResult]
    left_out: Mapping[str, str]
    config: StudyConfig
    provenance: Mapping[str, Any] = field(default_factory=dict)
    gpa_results: Sequence[GpaResult] = ()
    video_study: VideoStudy | None = None

    def compute_verdicts(self) -> dict[str, Verdict]:
        """The verdict by the name of the set."""
        return {name: make_verdict(result) for name, result in self.results.items()}

    def list_left_out(self) -> dict[str, str]:
        """What was left out, without the sets that have a row in the table of segment lengths."""
        tabled = self.video_study.make_pairs() if self.video_study is not None else {}
        return {name: reason for name, reason in self.left_out.items() if name not in tabled}


def list_rules(config: StudyConfig) -> list[str]:
    """How the figures of a report were computed."""
    return [
        f"All figures are of what was held out: groups in {FOLD_COUNT} folds, each map fitted on the others. "
        "In brackets the 95 % bootstrap interval over whole groups (2000 draws).",
        "Disparity: squared error as a share of that of the anchors' mean, in the target's own coordinates; "
        "0 is perfect, 1 knows nothing, and more is worse than nothing. Of a similarity on its own anchors "
        "it is scipy's M^2.",
        f"p: a map fitted on half of the groups, the other half's pairs shuffled {config.draws} "
        "times; Holm's correction over all maps of a set. PROTEST (Jackson 1995) shuffles the pairs of the "
        "Procrustes analysis of all readings together, as the report made it; its M^2 is not held out.",
        f"Power: the share of {MIN_TRIALS} to {MAX_TRIALS} simulated studies in which some p of a set is "
        "below .05 after Holm, with both sides of the set's own readings shuffled and a relation of r "
        "planted in every column. Where none is found a set is not alignable if the power for "
        f"r = {MEDIUM:g} (medium, Cohen 1988) is {SUFFICIENT_POWER:g} or more; else nothing can be told.",
        "Reversed or swapped axes: by correlations whose 95 % intervals over whole groups exclude zero, or "
        "in which the other axis correlates more than its own.",
        f"Shuffled pairs: disparity of maps fitted anew on {config.shuffles} shuffles of the anchors.",
        "What is shuffled: any rows, rows within a group, or whole groups; each set says which.",
        "Swapped axes: how much the disparity rises when the fitted map gets the source's axes in reverse.",
        f"P@{PRECISION_DEPTH}: same emotion among the nearest {PRECISION_DEPTH} of the fold's "
        "targets, the row's own pair among them; "
        '"others" is without it. '
        f"nDCG@{NDCG_DEPTH}: gain exp(-distance) of true valence and arousal where known, "
        "else of the readings.",
        "Least squares draws towards the mean; for retrieval its maps get the target's spread back.",
        "Gain: how much lower the disparity is than identity's, or than the best linear map's, over the same "
        "draws.",
    ]
