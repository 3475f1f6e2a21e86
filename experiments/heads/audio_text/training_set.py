"""The training set of the audio space: clips, prompts and out-of-domain texts, and what is fitted on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from encoders import Rows, encode_all, unit_rows
from experiments.heads.audio_text.clips import Floats, LabelledClips, assign_folds, compute_match_matrix
from experiments.heads.audio_text.prompts import Prompt
from retrieval.features import FeaturePipeline
from spaces.joint import (
    TEXT_ROLE,
    KernelRidgeConfig,
    TextDomain,
    TextProjection,
    TowerPair,
    fit_kernel_tower_pair,
    fit_text_projection,
)
from spaces.joint.kernel_ridge import compute_targets, to_float32

ROLE = "sound"
N_FOLDS = 4
DOMAIN_MIN_COSINE = 0.45  # to the nearest prompt, from which a text is in domain
KERNEL_CONFIG = KernelRidgeConfig(width=0.7, penalty=0.07, powers={"events": 0.5})
"""Narrow: the short samples enlarge the columns' standard deviations, which moves other clips together. Most
scores of events are near 0; of their roots, more tell clips apart."""

EncodeTexts = Callable[[Sequence[str]], Rows]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Clips, prompts and out-of-domain texts; `encode_texts` gives unit sentence vectors (n, d)."""

    clips: LabelledClips
    prompts: Sequence[Prompt]
    out_of_domain_texts: Sequence[str]
    encode_texts: EncodeTexts
    kernel_config: KernelRidgeConfig = KERNEL_CONFIG

    @property
    def prompt_texts(self) -> list[str]:
        """The texts of the prompts."""
        return [prompt.text for prompt in self.prompts]

    @cached_property
    def text_projection(self) -> TextProjection:
        """The projection of sentence vectors into the space."""
        return fit_text_projection(
            self.encode_texts(self.prompt_texts),
            self.encode_texts(self.out_of_domain_texts),
            self.kernel_config,
        )

    @cached_property
    def domain(self) -> TextDomain:
        """Which texts are in domain."""
        return TextDomain(
            in_domain=self.encode_texts(self.prompt_texts),
            min_similarity=DOMAIN_MIN_COSINE,
            out_of_domain=self.encode_texts(self.out_of_domain_texts),
        )

    def compute_targets(self, clips: LabelledClips) -> Floats:
        """(clips, d) the target of each clip in the space."""
        return compute_targets(np.nan_to_num(compute_match_matrix(clips, self.prompts)), self.text_projection)

    def fit_member(self, clips: LabelledClips) -> TowerPair:
        """The towers fitted on these clips and their augmented copies."""
        return fit_kernel_tower_pair(
            clips.features,
            clips.classes.tolist(),
            self.compute_targets(clips),
            self.text_projection,
            self.kernel_config,
            augmented_features=clips.augmented_features,
            sources=clips.sources.tolist(),
        )

    def project_texts(self, texts: Sequence[str]) -> Rows:
        """(n, d) unit rows of texts in the space."""
        centred = self.encode_texts(texts) - self.text_projection.centre
        return unit_rows(to_float32(centred @ self.text_projection.matrix))


def make_text_encoder(pipeline: FeaturePipeline, texts: Sequence[str]) -> EncodeTexts:
    """Unit sentence vectors of any of these texts, each encoded once."""
    unique = list(dict.fromkeys(texts))
    rows = unit_rows(encode_all(pipeline.get_encoder(TEXT_ROLE), unique))
    index_by_text = {text: index for index, text in enumerate(unique)}
    return lambda selected: rows[[index_by_text[text] for text in selected]]


def split_folds(
    clips: LabelledClips, seed: int, n_repeats: int = 1
) -> Iterator[tuple[LabelledClips, LabelledClips]]:
    """Training and held-out clips, fold by fold, of one or several splits into N_FOLDS."""
    for repeat in range(n_repeats):
        fold_by_clip = assign_folds(clips, N_FOLDS, seed + repeat)
        for fold in range(N_FOLDS):
            yield (
                clips.select(np.flatnonzero(fold_by_clip != fold)),
                clips.select(np.flatnonzero(fold_by_clip == fold)),
            )
