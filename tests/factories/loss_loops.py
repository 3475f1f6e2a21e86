"""The losses written out as loops, and random batches, for tests of the losses."""

import math

import pytest
import torch
from hypothesis import strategies as st

DOUBLE = torch.float64
MARGIN = 0.25  # a sum of halves, as the similarities below: hinges stand on their corner exactly
SHAPES = {
    "jemc": lambda r, n: 1 / (n - r + 1),
    "inverse": lambda r, n: 1 - 1 / r,
    "log": lambda r, n: math.log(r) / math.log(n) if n > 1 else 0,
    "linear": lambda r, n: (r - 1) / (n - 1) if n > 1 else 0,
}


def directions(similarity, same, pairs):
    """Each pair twice: (own similarity, [those of its negatives]), spelt as loops over rows and columns."""
    height, width = similarity.shape
    chosen = [(i, i) for i in range(height)] if pairs is None else [tuple(pair) for pair in pairs.tolist()]

    def negative(i, j):
        return (i, j) not in chosen and not (same is not None and same[i, j])

    for i, j in chosen:
        yield similarity[i, j], [similarity[i, other] for other in range(width) if negative(i, other)]
        yield similarity[i, j], [similarity[other, j] for other in range(height) if negative(other, j)]


def ranking_loop(similarity, same, pairs, negatives, strength, shape):
    """The formula, pair by pair and negative by negative."""
    total = 0 * similarity.sum()
    for own, others in directions(similarity, same, pairs):
        candidates = [s for s in others if negatives != "semi_hard" or s < own]
        if negatives != "every" and candidates:
            best = max(s.item() for s in candidates)
            equal = [s for s in candidates if s == best]
            candidates = [sum(equal) / len(equal)]  # as large as each, and their gradients shared
        among = 1 + len(others)
        rank = (
            1 + sum(s.item() > own.item() for s in others) + sum(s.item() == own.item() for s in others) / 2
        )
        weight = 1 + strength * SHAPES[shape](rank, among)
        for s in candidates:
            if MARGIN - own + s > 0:
                total = total + weight * (MARGIN - own + s)
    return total


def nce_loop(similarity, same, pairs, temperature):
    terms = [
        -torch.log(torch.exp(own / temperature) / sum(torch.exp(s / temperature) for s in [own, *others]))
        for own, others in directions(similarity, same, pairs)
    ]
    return 2 * sum(terms) / len(terms)


def value_and_gradients(loss, *inputs):
    """A loss's value and its gradient in each input, on copies."""
    leaves = [one.detach().clone().requires_grad_() for one in inputs]
    value = loss(*leaves)
    value.backward()
    return value.item(), [leaf.grad for leaf in leaves]


def assert_equal(one, other, *inputs):
    (value, gradients), (wanted, slopes) = (
        value_and_gradients(one, *inputs),
        value_and_gradients(other, *inputs),
    )
    assert value == pytest.approx(wanted, abs=1e-12)
    for gradient, slope in zip(gradients, slopes, strict=True):
        assert torch.isfinite(gradient).all()
        assert torch.allclose(gradient, slope, atol=1e-12)


@st.composite
def batches(draw):
    """Coarse similarities with many ties; square or uneven, with and without masks."""
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    pairs = None
    if draw(st.booleans()):
        place = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
        pairs = torch.tensor(draw(st.lists(place, min_size=1, max_size=6, unique=True)))
    else:
        width = height
    cells = height * width
    values = draw(st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75]), min_size=cells, max_size=cells))
    mask = draw(st.none() | st.lists(st.booleans(), min_size=cells, max_size=cells))
    same = None if mask is None else torch.tensor(mask).reshape(height, width)
    return torch.tensor(values, dtype=DOUBLE).reshape(height, width), same, pairs


def joint_loop(subtitles, captions, temperature, same):
    """Form (d)'s V<->S,C spelt as in the seed; `same` leaves further texts out of both pools."""
    n = len(subtitles)
    s, c = torch.exp(subtitles / temperature), torch.exp(captions / temperature)

    def others(i):
        return [j for j in range(n) if j != i and not (same is not None and same[i, j])]

    total = 0
    for i in range(n):
        pool = sum((s[i, j] + c[i, j] for j in others(i)), torch.zeros((), dtype=DOUBLE))
        total = total - torch.log(s[i, i] / (s[i, i] + pool)) - torch.log(c[i, i] / (c[i, i] + pool))
        for text in (s, c):
            rivals = sum((text[j, i] for j in range(n) if i in others(j)), torch.zeros((), dtype=DOUBLE))
            total = total - torch.log(text[i, i] / (text[i, i] + rivals))
    return total / (2 * n)
