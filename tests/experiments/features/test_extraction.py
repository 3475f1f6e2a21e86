"""Features of items, of their segments, and of what can't be read."""

from dataclasses import replace

import numpy as np
import pytest
from media_factory import clip as film
from media_factory import photo
from synthetic_clips import TOYS

from encoders.base import AffectError, MediaError, is_missing_row
from encoders.media import Sampling, Segment, probe, read_segments
from experiments.datasets import CaptionDataset, DatasetItem, LabelledFile
from experiments.features import streaming
from experiments.features.extraction import encode_first_segments, encode_items, load_item_features
from retrieval.features.pipeline import FeaturePipeline


def test_every_segment_and_what_cannot_be_read(tmp_path):
    long = film(tmp_path / "long.mp4", seconds=40, sound=40)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(long.read_bytes())
    still = photo(tmp_path / "still.jpg")
    (tmp_path / "bad.mp4").write_text("no")
    media = [(long,), (tmp_path / "bad.mp4",), (still,), (tmp_path / "gone.jpg",), (copy,)]
    found = encode_items(
        FeaturePipeline(TOYS), media, all_segments=True, cache_folder=tmp_path / "kept", quiet=True
    )
    assert found.item_by_segment.tolist() == [0, 0, 0, 2, 4, 4, 4]
    assert found.segment_times[:3].tolist() == [[0, 15], [15, 30], [30, pytest.approx(40, abs=0.2)]]
    assert np.isnan(found.segment_times[3]).all()
    assert {file.name for file in found.error_by_path} == {"bad.mp4", "gone.jpg"}
    pooled = found.mean_pool(5)
    assert is_missing_row(pooled["objects"]).tolist() == [False, True, False, True, False]
    assert np.allclose(pooled["objects"][0], found.features["objects"][:3].mean(axis=0), atol=1e-6)
    only = encode_items(FeaturePipeline(TOYS), media, cache_folder=tmp_path / "kept", quiet=True)
    assert only.item_by_segment.tolist() == [0, 2, 4]


def test_a_role_that_goes_with_another_is_encoded_where_that_is_cached(tmp_path):
    media, cache = [(film(tmp_path / "film.mp4", sound=2.0),)], tmp_path / "cache"
    before = TOYS.replace(objects="efficientnet-lite2", activity="lite2-flow")
    encode_items(FeaturePipeline(before), media, cache_folder=cache, quiet=True)
    pipeline = FeaturePipeline(before.replace(pose="blazepose"))
    if pipeline.missing_roles:
        pytest.skip(str(pipeline.missing_roles["pose"]))
    found = encode_items(pipeline, media, cache_folder=cache, quiet=True)
    assert found.features["pose"].shape == (1, 162) and found.features["activity"].shape == (1, 4384)


def test_features_of_first_segments(tmp_path):
    experts = FeaturePipeline(TOYS)
    files = [
        LabelledFile(path=photo(tmp_path / f"{i}.png", 40 + i, 30), labels=(), split="") for i in range(40)
    ]
    rows = encode_first_segments(experts, [*files, files[0]])
    assert rows["objects"].shape[0] == 41 and is_missing_row(rows["sound"]).all()
    (segment,) = read_segments(files[7].path, probe(files[7].path))
    assert np.allclose(rows["objects"][7], experts.get_encoder("objects").encode([segment.frames])[0])
    assert np.array_equal(rows["objects"][0], rows["objects"][40])
    files[3].path.write_text("no")
    with pytest.raises(MediaError, match=r"3\.png"):
        encode_first_segments(experts, files)


def test_pictures_are_the_frames_of_one_clip(tmp_path):
    pair = photo(tmp_path / "a.png", 40, 30), photo(tmp_path / "b.png", 80, 60)
    joined = streaming.read_images_as_clip(pair, Sampling())
    assert isinstance(joined, Segment) and joined.frames.shape == (2, 30, 40, 3) and joined.audio is None
    items = (DatasetItem(id="move", captions=("x",), split="train", media=pair),)
    rows = load_item_features(
        FeaturePipeline(TOYS),
        CaptionDataset(name="pairs", items=items),
        cache_folder=tmp_path / "kept",
        quiet=True,
    )
    assert rows["objects"].shape[0] == 1 and not is_missing_row(rows["objects"]).any()
    assert np.allclose(rows["objects"], FeaturePipeline(TOYS).get_encoder("objects").encode([joined.frames]))
    pair[1].unlink()
    with pytest.warns(UserWarning, match=r"b\.png"):
        gone = load_item_features(
            FeaturePipeline(TOYS),
            CaptionDataset(name="pairs", items=items),
            cache_folder=tmp_path,
            quiet=True,
        )
    assert is_missing_row(gone["objects"]).all()


def test_features_need_media_or_files(tmp_path):
    bare = CaptionDataset(name="bare", items=(DatasetItem(id="video0", captions=("x",), split="test"),))
    with pytest.raises(AffectError, match="no file of video0"):
        load_item_features(FeaturePipeline(TOYS), bare)
    np.save(tmp_path / "video0.npy", np.ones(3))
    rows = load_item_features(FeaturePipeline(TOYS), replace(bare, feature_sources={"objects": tmp_path}))
    assert rows["objects"].tolist() == [[1, 1, 1]]
    with pytest.raises(AffectError, match="no encoder reads media"):
        encode_items(FeaturePipeline(TOYS.replace(objects="", sound="")), [])
