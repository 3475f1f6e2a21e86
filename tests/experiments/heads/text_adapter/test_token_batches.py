"""Batches of texts of one length."""

import numpy as np

from experiments.heads.text_adapter.token_batches import draw_batches


def test_batches_hold_texts_of_one_length_and_every_text_in_time():
    lengths = np.repeat([3, 30], 64)
    draws = draw_batches(lengths, 8, np.random.default_rng(0))
    batches = [next(draws) for _ in range(16)]
    assert sorted(np.concatenate(batches)) == list(range(128))
    assert np.mean([np.ptp(lengths[one]) > 0 for one in batches]) <= 2 / 16
