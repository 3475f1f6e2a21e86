"""GIST of gratings, noise and a photograph."""

import cv2
import numpy as np
import pytest

from encoders.image_descriptors.gist import compute_gist, make_gabor_filters

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


@pytest.mark.parametrize("scale", range(4))
@pytest.mark.parametrize("turn", [0, 2, 4])
def test_gist_finds_the_scale_and_direction_of_waves(scale, turn):
    """The filter that answers most is that whose centre lies where the wave does (LMgist's numbers)."""
    cycles = 0.3 / 1.85**scale * 256
    cells = compute_gist(waves(cycles, -22.5 * turn)).reshape(32, 16)
    assert cells.mean(axis=1).argmax() == scale * 8 + turn


def test_gist_tells_the_place():
    """Noise in the top left quarter alone; cells go column by column."""
    picture = np.full((256, 256), 128, np.uint8)
    picture[:128, :128] = np.random.default_rng(0).integers(0, 256, (128, 128))
    cells = compute_gist(picture).reshape(32, 4, 4).mean(axis=0)  # (column, row)
    picture[:128, 128:], picture[:128, :128] = picture[:128, :128].copy(), 128
    moved = compute_gist(picture).reshape(32, 4, 4).mean(axis=0)
    assert cells[:2, :2].min() > 2 * cells[2:, 2:].max()
    assert moved[2:, :2].min() > 2 * moved[:2, 2:].max()


def test_gist_ignores_illumination_and_size_and_is_zero_for_a_flat_picture():
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
    centres = {tuple(np.unravel_index(transfer.argmax(), transfer.shape)) for transfer in filters}
    assert len(centres) == 32
