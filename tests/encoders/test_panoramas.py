"""Pictures much longer than wide: what stands on a small part of them is found; others stay as they were."""

from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from encoders.efficientnet import crop_views, efficientnet_lite2, resize_to_square

CHELSEA = Path(skimage.__file__).parent / "data" / "chelsea.png"
CATS = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")


@pytest.fixture(scope="module")
def network():
    return efficientnet_lite2()


def strip(times, place, upright=False, side=256):
    """A grey strip `times` longer than wide with a cat at `place` (0 to 1) of its length."""
    cat = Image.open(CHELSEA).convert("RGB").resize((side * 9 // 10, side * 6 // 10))
    size = (side, side * times) if upright else (side * times, side)
    picture = Image.new("RGB", size, (150, 140, 130))
    room = size[upright] - cat.size[upright]
    corner = [side // 20, side // 20]
    corner[upright] = round(room * place)
    picture.paste(cat, corner)
    return np.asarray(picture)


def cats(network, frame):
    logits = network.logits(network.encode([frame[None]]))[0].astype(np.float64)
    shares = np.exp(logits - logits.max())
    return sum(shares[network.classes.index(name)] for name in CATS) / shares.sum()


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("place", [0, 0.37, 0.5, 1])
@pytest.mark.parametrize("times", [4, pytest.param(6, marks=pytest.mark.slow), 12])
def test_a_cat_anywhere_in_a_panorama_is_found(network, times, place, upright):
    assert cats(network, strip(times, place, upright)) > 0.5


def test_others_are_seen_as_one_square(network):
    frame = np.random.default_rng(0).integers(0, 256, (214, 512, 3), np.uint8)
    (view,) = crop_views(frame)
    assert view is frame
    expected = network._network(np.stack([resize_to_square(frame)] * 2))[0][0]
    assert np.allclose(network.encode([frame[None]])[0], expected, atol=1e-4)


def test_a_plain_panorama_is_seen_as_its_parts(network):
    plain = np.full((200, 1200, 3), 128, np.uint8)
    row, part = network.encode([plain[None], plain[None, :, :200]])
    assert np.allclose(row, part, atol=1e-3)


def test_a_panorama_does_not_change_its_neighbours(network):
    other = np.random.default_rng(0).integers(0, 256, (1, 300, 400, 3), np.uint8)
    long = strip(6, 0.5)[None]
    together, alone = network.extract_features([other, long, other]), network.extract_features([other])[0]
    assert [look.layout.shape for look in together] == [(1, 2112)] * 3
    for look in (together[0], together[2]):
        assert np.allclose(look.pooled, alone.pooled, atol=1e-4)
        assert np.allclose(look.layout, alone.layout, atol=1e-4)
    assert np.allclose(together[1].pooled, network.encode([long]), atol=1e-4)


def test_views_cover_a_panorama():
    frame = np.arange(100 * 730).reshape(100, 730, 1).repeat(3, axis=2).astype(np.uint8)
    whole, *squares = crop_views(frame)
    assert whole is frame and all(part.shape == (100, 100, 3) for part in squares)
    assert np.array_equal(squares[0], frame[:, :100]) and np.array_equal(squares[-1], frame[:, -100:])
    assert len(crop_views(frame.transpose(1, 0, 2))) == len(squares) + 1
    assert len(crop_views(np.zeros((3, 2048, 3), np.uint8))) <= 17
