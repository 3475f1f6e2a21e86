"""Training that is quick."""

from dataclasses import replace

import pytest
from captioned_library import COUNT

from retrieval.training import train_heads
from retrieval.training.train_heads import make_default_config


@pytest.fixture
def quick_training(monkeypatch):
    """What a small library needs, in a second."""
    schedule = replace(make_default_config(COUNT).schedule, epochs=30, rate=0.01)
    small = replace(make_default_config(COUNT), schedule=schedule, dim=32, dropout=0.1)
    monkeypatch.setattr(train_heads, "make_default_config", lambda item_count, rejects_out_of_domain: small)
