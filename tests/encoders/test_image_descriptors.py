"""The report's 1721 descriptors: each block against its definition, and the semantic one without a hub."""

import cv2
import numpy as np
import pytest

from encoders import image_descriptors
from encoders.base import is_missing_row
from encoders.image_descriptors import (
    BLOCK_DIMS,
    DIM,
    ENCODER_NAME,
    SceneSegmenter,
    compute_gist,
    compute_lbp_histogram,
    image_1721,
    make_gabor_filters,
    make_image_descriptors,
    pad_semantic_block,
    preprocess_scene,
)

skimage = pytest.importorskip("skimage")


def astronaut():
    return skimage.data.astronaut()[:300, 50:450]


def grey(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def waves(cycles, degrees, side=256):
    """A sine of so many cycles a picture that changes along a direction, clockwise from the right."""
    y, x = np.mgrid[:side, :side] / side
    turned = x * np.cos(np.deg2rad(degrees)) + y * np.sin(np.deg2rad(degrees))
    return (128 + 100 * np.sin(2 * np.pi * cycles * turned)).astype(np.uint8)


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


def test_binary_patterns_are_those_of_scikit_image():
    picture = grey(astronaut())
    wanted = skimage.feature.local_binary_pattern(picture, 8, 1, "nri_uniform")[1:-1, 1:-1].astype(int)
    shares = np.bincount(wanted.ravel(), minlength=59) / wanted.size
    assert np.abs(compute_lbp_histogram(picture) - shares).max() < 1e-4


def test_a_flat_patch_is_all_ones_and_a_speck_has_no_pattern():
    flat = compute_lbp_histogram(np.full((20, 30), 77, np.uint8))
    assert flat.argmax() == 57 and flat.sum() == pytest.approx(1)
    assert np.isnan(compute_lbp_histogram(np.zeros((2, 9), np.uint8))).all()


def test_binary_patterns_do_not_see_how_bright_it_is():
    picture = grey(astronaut()) // 2
    assert np.allclose(compute_lbp_histogram(picture), compute_lbp_histogram(picture + 60), atol=1e-3)


@pytest.mark.parametrize("scale", range(4))
@pytest.mark.parametrize("turn", [0, 2, 4])
def test_gist_finds_the_scale_and_direction_of_waves(scale, turn):
    """The filter that answers most is that whose centre lies where the wave does (LMgist's numbers)."""
    cycles = 0.3 / 1.85**scale * 256
    cells = compute_gist(waves(cycles, -22.5 * turn)).reshape(32, 16)
    assert cells.mean(axis=1).argmax() == scale * 8 + turn


def test_gist_tells_where():
    """Noise in the top left quarter alone; cells go column by column."""
    picture = np.full((256, 256), 128, np.uint8)
    picture[:128, :128] = np.random.default_rng(0).integers(0, 256, (128, 128))
    cells = compute_gist(picture).reshape(32, 4, 4).mean(axis=0)  # (column, row)
    picture[:128, 128:], picture[:128, :128] = picture[:128, :128].copy(), 128
    moved = compute_gist(picture).reshape(32, 4, 4).mean(axis=0)
    assert cells[:2, :2].min() > 2 * cells[2:, 2:].max()
    assert moved[2:, :2].min() > 2 * moved[:2, 2:].max()


def test_gist_does_not_see_light_or_size_and_nothing_in_nothing():
    picture = grey(astronaut())
    double = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    first = compute_gist(picture)
    assert first.shape == (512,) and (first > 0).all()
    assert np.corrcoef(first, compute_gist(picture // 2 + 40))[0, 1] > 0.99
    assert np.corrcoef(first, compute_gist(double))[0, 1] > 0.97
    assert not compute_gist(np.full((90, 50), 200, np.uint8)).any()


def test_filters_cover_each_direction_once():
    """A filter's transfer function is largest at its centre, and there almost 1."""
    filters = make_gabor_filters()
    assert filters.shape == (32, 320, 320) and filters.max(axis=(1, 2)) == pytest.approx(1, abs=0.06)
    centres = {tuple(np.unravel_index(one.argmax(), one.shape)) for one in filters}
    assert len(centres) == 32


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
    assert encoder.card.dim == DIM and image_descriptors.SEGFORMER_REPO in encoder.card.weights_source
    assert encoder.card.sha256 != make_image_descriptors(None).card.sha256
    rows = encoder.encode([astronaut()[None]])
    model = SegformerForSemanticSegmentation.from_pretrained(scene_folder).eval()
    with torch.inference_mode():
        pixels = torch.from_numpy(preprocess_scene(astronaut()[None]))
        wanted = model(pixels).logits.softmax(1).mean((2, 3)).numpy()[0]
    assert rows.shape == (1, DIM) and np.allclose(rows[0, 1571:], wanted, atol=1e-4)
    assert np.array_equal(pad_semantic_block(rows), rows)


def test_scene_pixels_are_prepared_as_transformers_does():
    from transformers import SegformerImageProcessor

    wanted = SegformerImageProcessor()(images=[astronaut()], return_tensors="np")["pixel_values"]
    got = preprocess_scene(astronaut()[None])
    assert got.shape == wanted.shape == (1, 3, 512, 512) and np.abs(got - wanted).mean() < 0.02


def test_a_scene_model_is_looked_for_by_the_encoders_name(scene_folder, monkeypatch):
    monkeypatch.setenv("AFFECT_MODELS", str(scene_folder.parent))
    assert image_1721().segmenter == SceneSegmenter(scene_folder)
