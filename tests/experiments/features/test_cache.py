"""Features are kept by content, encoder and sampling."""

from dataclasses import replace

import numpy as np
from media_factory import photo
from synthetic_clips import COUNT, TOYS

from encoders.base import is_missing_row
from encoders.media import Sampling
from experiments.datasets.registry import load_named_dataset
from experiments.features import cache, streaming
from experiments.features.extraction import load_item_features
from experiments.synthetic import generate_clips
from retrieval.features.pipeline import FeaturePipeline


def test_features_are_encoded_once(rendered_folder, tmp_path, monkeypatch):
    data = load_named_dataset(str(rendered_folder))
    made = load_item_features(FeaturePipeline(TOYS), data, cache_folder=tmp_path, quiet=True)
    silent = [clip.mood is None for clip in generate_clips(COUNT, seed=5)]
    assert is_missing_row(made["sound"]).tolist() == silent and not is_missing_row(made["objects"]).any()
    entries = sorted(tmp_path.rglob("*.safetensors"))
    assert len(entries) == 2 * COUNT
    read = []
    real = streaming.DecoderPool.read
    monkeypatch.setattr(
        streaming.DecoderPool, "read", lambda pool, paths: real(pool, [read.append(p) or p for p in paths])
    )
    entries[0].unlink()
    entries[-1].write_bytes(b"half")
    again = load_item_features(FeaturePipeline(TOYS), data, cache_folder=tmp_path, quiet=True)
    assert len(read) == 2
    for role in made:
        assert np.array_equal(made[role], again[role], equal_nan=True)
    load_item_features(FeaturePipeline(TOYS), data, cache_folder=tmp_path, quiet=True)
    assert len(read) == 2
    load_item_features(
        FeaturePipeline(TOYS), data, cache_folder=tmp_path, sampling=Sampling(fps=2), quiet=True
    )
    assert len(read) == 2 + COUNT and len(list(tmp_path.rglob("*.safetensors"))) == 3 * COUNT


def test_hashing_media_leaves_no_notes(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path / "cache"))
    pair = photo(tmp_path / "a.png"), photo(tmp_path / "b.png", 20)
    digests = {
        cache.compute_content_digest(pair),
        cache.compute_content_digest(pair[:1]),
        cache.compute_content_digest(pair[::-1]),
    }
    assert len(digests) == 3 and not (tmp_path / "cache").exists()


def test_an_entry_is_of_one_encoder_and_one_way_of_looking(tmp_path):
    card = FeaturePipeline(TOYS).get_encoder("objects").card
    here = cache.FeatureCache(card, Sampling(), False, tmp_path)
    here.put("ab", cache.ItemFeatures(np.ones((1, card.dim), np.float32), np.zeros((1, 2))))
    others = [
        cache.FeatureCache(replace(card, sha256="f" * 64), Sampling(), False, tmp_path),
        cache.FeatureCache(card, Sampling(fps=3), False, tmp_path),
        cache.FeatureCache(card, Sampling(), True, tmp_path),
    ]
    assert here.get("ab").features.tolist() == [[1] * card.dim] and here.get("cd") is None
    assert [other.get("ab") for other in others] == [None] * 3
    assert cache.FeatureCache(card, Sampling(sample_rate=8000), False, tmp_path).get("ab") is not None
