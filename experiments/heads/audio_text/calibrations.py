"""Calibration of the audio space's cosines, on clips that were held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders import Rows
from experiments.heads.audio_text.clips import Ints, Strings, compute_match_matrix
from experiments.heads.audio_text.prompts import Prompt
from experiments.heads.audio_text.training_set import ROLE, TrainingSet, split_folds
from fusion import Calibration, fit_calibration
from retrieval.search import MATCH_PRIOR
from spaces.joint import TEXT_ROLE

MATCH_THRESHOLD = 0.5  # degree from which a mood prompt and a piece count as matching
MAX_TEXTS_PER_KIND = 100  # prompts of each kind, drawn at random


def fit_calibrations(training_set: TrainingSet, seed: int) -> dict[str, Calibration]:
    """Calibrations of the cosines of clips with texts ("text") and with other clips ("sound").

    Of pairs that don't match, as many are used of each kind of clip, so that no kind is the whole background.
    """
    matching: dict[str, list[Rows]] = {TEXT_ROLE: [], ROLE: []}
    background: dict[str, list[Rows]] = {TEXT_ROLE: [], ROLE: []}
    rng = np.random.default_rng(seed)
    prompts = _sample_prompts_per_kind(training_set.prompts, rng)
    for train_clips, test_clips in split_folds(training_set.clips, seed):
        member = training_set.fit_member(train_clips)
        clip_rows = member.media(test_clips.features)
        text_rows = member.text({TEXT_ROLE: training_set.encode_texts([prompt.text for prompt in prompts])})
        degrees = compute_match_matrix(test_clips, prompts)
        is_same = test_clips.classes[:, None] == test_clips.classes
        to_texts, to_clips = clip_rows @ text_rows.T, clip_rows @ clip_rows.T
        matching[TEXT_ROLE].append(to_texts[degrees >= MATCH_THRESHOLD])
        background[TEXT_ROLE].append(to_texts[_sample_pairs_per_kind(degrees == 0, test_clips.kinds, rng)])
        matching[ROLE].append(to_clips[np.triu(is_same, 1)])
        background[ROLE].append(to_clips[_sample_pairs_per_kind(~is_same, test_clips.kinds, rng)])
    return {
        source: fit_calibration(
            np.concatenate(background[source]), np.concatenate(matching[source]), MATCH_PRIOR
        )
        for source in matching
    }


def _sample_prompts_per_kind(prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
    """At most MAX_TEXTS_PER_KIND prompts of each kind: there are more words for voices than for animals."""
    kinds = np.array([prompt.kind for prompt in prompts])
    indices = [
        rng.permutation(np.flatnonzero(kinds == kind))[:MAX_TEXTS_PER_KIND] for kind in np.unique(kinds)
    ]
    return [prompts[index] for index in np.concatenate(indices)]


def _sample_pairs_per_kind(
    mask: npt.NDArray[np.bool_], kinds: Strings, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Indices of true pairs (n, m), as many for each kind (n,) of the first of a pair, drawn at random."""
    first, second = np.nonzero(mask)
    parts = [rng.permutation(np.flatnonzero(kinds[first] == kind)) for kind in np.unique(kinds)]
    sampled = np.concatenate([part[: min(map(len, parts))] for part in parts])
    return first[sampled], second[sampled]
