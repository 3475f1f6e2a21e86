"""The right track of several."""

import pytest
from media_factory import clip
from media_reading import parts, pitch
from timing_factory import remuxed, two_sounds

from encoders import media


def films(tmp_path):
    """A small film, a large one, and one between."""
    sizes = {"small": (96, 64), "large": (320, 240), "middle": (160, 120)}
    return [clip(tmp_path / f"{name}.mp4", seconds=4, size=size) for name, size in sizes.items()]


@pytest.mark.parametrize(("default", "width"), [(0, 96), (1, 320), (2, 160)])
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_the_default_film_of_several(tmp_path, ending, default, width):
    path = remuxed(tmp_path / f"all.{ending}", *films(tmp_path), default=default)
    assert media.probe(path).width == width
    (part,) = parts(path)
    assert part.frames.shape[2] == width


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
def test_a_still_is_no_film_beside_one(tmp_path, ending):
    still = clip(tmp_path / "still.mp4", begins=[0], size=(400, 300))
    film = clip(tmp_path / "film.mp4", seconds=4, size=(96, 64), sound=4)
    path = remuxed(tmp_path / f"both.{ending}", still, film, default=0)
    found = media.probe(path)
    assert (found.width, found.duration) == (96, pytest.approx(4, abs=0.05))
    (part,) = parts(path)
    assert part.frames.shape == (4, 64, 96, 3) and part.audio is not None
    assert media.probe(still).width == 400


@pytest.mark.parametrize(("default", "hertz"), [(0, 440), (1, 1000)])
@pytest.mark.parametrize("ending", ["mka", "m4a"])
def test_the_default_sound_of_several(tmp_path, ending, default, hertz):
    (part,) = parts(two_sounds(tmp_path / f"two.{ending}", default=default))
    assert pitch(part.audio, 1) == hertz
