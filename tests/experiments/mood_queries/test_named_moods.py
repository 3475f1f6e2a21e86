"""The benchmark of texts that name the mood of a sound, on a few rated pieces among other sounds."""

import numpy as np
import pytest

from experiments.affect_dial.gallery import Gallery
from experiments.affect_dial.held_out_pipeline import HeldOutPipeline
from experiments.datasets import DATA_ROOT, load_vgmidi
from experiments.features.extraction import encode_items
from experiments.mood_queries import named_moods
from experiments.mood_queries.named_moods import measure_named_moods
from retrieval.features import FeaturePipeline, PipelineConfig

PIECES = 40


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA_ROOT / "sounds_by_word").exists(), reason="no sounds_by_word in the data folder"
)
def test_estimates_that_are_the_ratings_bring_music_nearer_to_the_mood(monkeypatch):
    monkeypatch.setattr(named_moods, "DRAWS", 20)
    pieces = [piece for piece in load_vgmidi(DATA_ROOT) if piece.split != "test"][:PIECES]
    config = PipelineConfig(objects="", activity="", faces="", text="")
    features = encode_items(FeaturePipeline(config), [(one.path,) for one in pieces]).mean_pool(len(pieces))
    ratings = np.array([(piece.valence, piece.arousal) for piece in pieces], np.float32)
    estimates = np.concatenate([ratings, np.full_like(ratings, 0.1)], axis=1)
    gallery = Gallery(
        name="vgmidi",
        description="",
        modality="audio",
        pipeline=HeldOutPipeline(config, "sound", "tone", features["tone"], estimates),
        features=features,
        affect=ratings.astype(np.float64),
        content_queries=(),
        worded_queries=(),
    )
    found = measure_named_moods(gallery, DATA_ROOT, seed=0)
    distance, share = found.values()
    assert distance["value"].value < distance["beside"] - 0.1 and distance["difference"].high < 0
    assert distance["difference"].value == pytest.approx(distance["value"].value - distance["beside"])
    assert share["value"].value > 0.9 and share["of"] == 10
