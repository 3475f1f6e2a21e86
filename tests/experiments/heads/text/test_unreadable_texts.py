"""Texts that nobody can read."""

from experiments.heads.text.unreadable_texts import make_nonsense_texts


def test_nonsense_is_drawn_from_a_seed():
    assert make_nonsense_texts(20, 1) == make_nonsense_texts(20, 1) != make_nonsense_texts(20, 2)
    assert all(2 <= len(text.split()) <= 9 for text in make_nonsense_texts(20, 1))
