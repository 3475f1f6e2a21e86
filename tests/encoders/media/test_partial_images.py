"""Pictures that end early: read as far as they go and said to be incomplete, or refused."""

import numpy as np
import pytest
from picture_factory import interlaced_png, scene
from picture_reading import error, refusal, saved, shown, stored
from PIL import Image


def test_a_jpeg_without_its_end_mark(tmp_path):
    for options in ({}, {"progressive": True}):
        scene().save(tmp_path / "a.jpg", quality=95, **options)
        path = saved(tmp_path / "b.jpg", (tmp_path / "a.jpg").read_bytes()[:-2])
        found, pixels = shown(path)
        assert found.incomplete_reason == "the end of the file is missing"
        assert np.array_equal(pixels, shown(tmp_path / "a.jpg")[1])


CUT = ["jpg", "png", "gif", "webp", "bmp", "tif", "ppm", "tga", "pcx"]


@pytest.mark.parametrize("ending", CUT)
def test_a_picture_cut_late_is_read_and_said_to_be_incomplete(tmp_path, ending):
    scene().save(tmp_path / f"a.{ending}", quality=90)
    whole, data = shown(tmp_path / f"a.{ending}"), (tmp_path / f"a.{ending}").read_bytes()
    assert whole[0].incomplete_reason is None
    found, pixels = shown(saved(tmp_path / f"b.{ending}", data[: len(data) * 9 // 10]))
    assert found.incomplete_reason.endswith("% of the picture can be read")
    assert 75 <= int(found.incomplete_reason.split()[1]) <= 98
    rows = slice(-found.height, None) if ending in ("bmp", "tga") else slice(found.height)
    assert found.width == 240 and error(pixels, whole[1][rows]) < 6


@pytest.mark.parametrize("ending", [*CUT, "avif", "jp2", "sgi", "qoi", "ico"])
def test_a_picture_cut_early_is_refused(tmp_path, ending):
    scene().save(tmp_path / f"a.{ending}", quality=90)
    data = (tmp_path / f"a.{ending}").read_bytes()
    for share in (0.3, 0.05, 0.01):
        assert refusal(saved(tmp_path / f"b.{ending}", data[: int(len(data) * share)]))


def test_what_is_missing_of_a_black_or_white_picture_is_known(tmp_path):
    for colour in ("black", "white"):
        picture = scene()
        picture.paste(colour, (0, 40, 240, 160))
        picture.save(tmp_path / "a.tif")
        data = (tmp_path / "a.tif").read_bytes()
        found, _ = shown(saved(tmp_path / "b.tif", data[: len(data) * 9 // 10]))
        assert found.incomplete_reason == "only 89 % of the picture can be read"


def test_an_interlaced_picture_cut_short_has_no_gaps(tmp_path):
    data = interlaced_png(scene())
    assert error(shown(saved(tmp_path / "a.png", data))[1], scene()) == 0
    found, pixels = shown(saved(tmp_path / "b.png", data[: len(data) * 8 // 10]))
    assert found.incomplete_reason and error(pixels, np.asarray(scene())[: found.height]) < 8
    assert refusal(saved(tmp_path / "c.png", data[: len(data) * 3 // 10])).startswith("truncated")


def test_a_turned_picture_cut_late(tmp_path):
    exif = Image.Exif()
    exif[274] = 3
    stored(scene(), 3).save(tmp_path / "a.png", exif=exif)
    data = (tmp_path / "a.png").read_bytes()
    found, pixels = shown(saved(tmp_path / "b.png", data[: len(data) * 9 // 10]))
    assert error(pixels, np.asarray(scene())[160 - found.height :]) == 0
