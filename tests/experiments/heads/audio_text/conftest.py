"""The real clips."""

import pytest
from labelled_clips import LISTENING
from repository import DATA, require_data

from experiments.heads.audio_text.clips import load_clips
from retrieval.features.pipeline import FeaturePipeline


@pytest.fixture(scope="session")
def heard():
    require_data("animal_sounds")
    return load_clips(FeaturePipeline(LISTENING), DATA, seed=0)
