"""Rows of the 1721 descriptors, with and without a segmentation model."""

import numpy as np
import pytest

from encoders.base import is_missing_row
from encoders.image_descriptors import (
    BLOCK_DIMS,
    DIM,
    SceneSegmenter,
    image_1721,
    make_image_descriptors,
    pad_semantic_block,
)
from encoders.image_descriptors.encoder import ENCODER_NAME, _report_missing_segmenter
from encoders.image_descriptors.scene_segmentation import SEGFORMER_REPO, preprocess_scene

skimage = pytest.importorskip("skimage")


def astronaut():
    return skimage.data.astronaut()[:300, 50:450]


@pytest.fixture(scope="module", autouse=True)
def no_scene_model(tmp_path_factory):
    """No segmentation model anywhere; networks that are exported stay in the usual cache."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("AFFECT_MODELS", str(home / "models"))
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hf"))
        yield


def test_blocks_add_up():
    assert DIM == 1721 and tuple(BLOCK_DIMS.values()) == (512, 59, 1000, 150)


def test_without_a_scene_model_the_block_is_left_out_and_named():
    encoder = image_1721()
    item = astronaut()[None]
    rows = encoder.encode([item, item[:0], np.concatenate([item, item[:, ::-1]])])
    assert encoder.card.dim == 1571 == rows.shape[1] and "no semantic block" in encoder.card.weights_source
    assert is_missing_row(rows).tolist() == [False, True, False]
    padded = pad_semantic_block(rows)
    assert padded.shape == (3, DIM) and np.isnan(padded[:, 1571:]).all()
    assert np.array_equal(padded[0, :1571], rows[0])
    assert np.allclose(rows[0, 571:].sum(), 1, atol=1e-4)
    with pytest.raises(ValueError, match="1721 or 1571 columns, not 7"):
        pad_semantic_block(rows[:, :7])


def test_the_missing_scene_model_is_said_once_and_only_by_what_computes_rows(caplog):
    _report_missing_segmenter.cache_clear()
    with caplog.at_level("INFO", "encoders"):
        encoders = [image_1721(), image_1721()]
        assert not caplog.records
        for encoder in encoders:
            encoder.encode([astronaut()[None]])
    (record,) = caplog.records
    assert "no semantic block" in record.getMessage() and "hf download" in record.getMessage()


def test_a_clip_is_the_mean_of_its_frames():
    encoder, picture = image_1721(), astronaut()
    both = np.stack([picture, picture[::-1]])
    alone = encoder.encode([both[:1], both[1:]])
    assert np.allclose(encoder.encode([both])[0], alone.mean(axis=0), atol=1e-4)


@pytest.fixture(scope="module")
def scene_folder(tmp_path_factory):
    """A tiny random SegFormer in the hub's layout."""
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    folder = tmp_path_factory.mktemp("models") / ENCODER_NAME
    torch.manual_seed(0)
    config = SegformerConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16, num_labels=150,
    )  # fmt: skip
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    return folder


def test_with_a_scene_model_rows_are_whole(scene_folder, monkeypatch, tmp_path):
    import torch
    from transformers import SegformerForSemanticSegmentation

    monkeypatch.setenv("AFFECT_MODELS", str(scene_folder.parent))
    encoder = image_1721()
    assert encoder.card.dim == DIM and SEGFORMER_REPO in encoder.card.weights_source
    assert encoder.card.sha256 != make_image_descriptors(None).card.sha256
    rows = encoder.encode([astronaut()[None]])
    model = SegformerForSemanticSegmentation.from_pretrained(scene_folder).eval()
    with torch.inference_mode():
        pixels = torch.from_numpy(preprocess_scene(astronaut()[None]))
        expected = model(pixels).logits.softmax(1).mean((2, 3)).numpy()[0]
    assert rows.shape == (1, DIM) and np.allclose(rows[0, 1571:], expected, atol=1e-4)
    assert np.array_equal(pad_semantic_block(rows), rows)


def test_a_scene_model_is_looked_for_by_the_encoders_name(scene_folder, monkeypatch):
    monkeypatch.setenv("AFFECT_MODELS", str(scene_folder.parent))
    assert image_1721().segmenter == SceneSegmenter(scene_folder)


def test_object_probabilities_are_the_softmax_of_the_logits_to_the_bit():
    """scipy's softmax computes what earlier versions did; heads were trained on those rows."""
    encoder, frames = image_1721(), astronaut()[None]
    logits = encoder.object_encoder.logits(encoder.object_encoder.extract_features([frames])[0].pooled)
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = exp / exp.sum(axis=1, keepdims=True)
    assert np.array_equal(encoder.compute_blocks([frames])["objects"], expected)
