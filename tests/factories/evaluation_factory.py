"""Evaluations of made-up rows over the same items, seed by seed."""

import numpy as np
from ablation_factory import unit

from experiments.ablation.fused_ranks import evaluate_similarity, fuse_similarities
from retrieval.evaluation.rules import DEFAULT_PROTOCOL


def evaluate_noisy_texts(
    noise, *, seeds=3, items=30, captions=3, seed=3, seed_noise=0.0, protocol=DEFAULT_PROTOCOL, decimals=None
):
    """One evaluation a seed: texts are their items plus noise, whose amount varies by seed.

    decimals: of the rows, few of which make ties
    """
    rng, owner = np.random.default_rng(seed), np.repeat(np.arange(items), captions)
    media, evaluations = unit(rng, items, 8), []
    for _ in range(seeds):
        scale = noise * np.exp(seed_noise * rng.normal())
        texts = media[owner] + scale * rng.normal(size=(items * captions, 8)).astype(np.float32)
        rows = (media, texts) if decimals is None else (media.round(decimals), texts.round(decimals))
        evaluations.append(evaluate_similarity(fuse_similarities([rows]), owner, protocol))
    return evaluations
