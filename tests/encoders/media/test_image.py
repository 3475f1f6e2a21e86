"""Pictures turned, panoramas and formats: read as viewers show them, or refused."""

import io
import subprocess
import sys

import numpy as np
import pytest
from media_factory import BLUE, GREEN, RED, WHITE, card, cut_short, huge_png, photo
from media_reading import close, corners, parts, reason
from picture_factory import chunk, png_with, scene, turned_tiff
from picture_reading import error, refusal, saved, shown, stored
from PIL import Image, ImageFile
from repository import ROOT

from encoders import media

TIFFS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")


@pytest.mark.parametrize("tag", range(10))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "avif", "mpo"])
def test_pictures_are_turned_by_their_tag(tmp_path, ending, tag):
    exif = Image.Exif()
    exif[274] = tag
    path = tmp_path / f"a.{ending}"
    stored(scene(), tag).save(path, exif=exif, quality=95)
    assert error(shown(path)[1], scene()) < 5


@pytest.mark.parametrize(
    ("compression", "tag"),
    [*((name, tag) for name in TIFFS for tag in range(1, 9)), ("raw", 0), ("raw", 9)],
)
def test_a_tiff_is_turned_once(tmp_path, compression, tag):
    path = turned_tiff(tmp_path / "a.tif", stored(scene(), tag), tag, compression)
    assert error(shown(path)[1], scene()) < 5


def test_the_first_page_of_a_tiff_is_turned_once(tmp_path):
    path = turned_tiff(tmp_path / "a.tif", stored(scene(), 6), 6, "tiff_lzw", [Image.new("RGB", (9, 9))])
    assert error(shown(path)[1], scene()) < 5


def test_a_turned_jpeg_decoded_at_a_quarter(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    picture = scene(1200, 800)
    stored(picture, 6).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert error(shown(tmp_path / "a.jpg", 150)[1], picture.resize((150, 100), Image.Resampling.BOX)) < 5


def test_an_orientation_after_the_pixels_of_a_png(tmp_path):
    exif = Image.Exif()
    exif[274] = 8
    data = png_with(picture=stored(scene(), 8))
    data = data[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + data[-12:]
    assert error(shown(saved(tmp_path / "a.png", data))[1], scene()) == 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 900), (512, 288)),
        ((1920, 803), (512, 214)),  # 2.39 to 1
        ((3000, 1000), (768, 256)),
        ((400, 2400), (256, 1536)),
        ((9000, 300), (2048, 68)),
        ((600, 100), (600, 100)),
    ],
)
@pytest.mark.parametrize("ending", ["jpg", "bmp"])
def test_panoramas_keep_pixels_on_the_short_side(tmp_path, size, expected, ending):
    Image.new("RGB", size).save(tmp_path / f"a.{ending}")
    assert shown(tmp_path / f"a.{ending}")[1].shape[:2] == expected[::-1]


def test_an_animated_webp_says_that_only_its_first_picture_is_read(tmp_path):
    scene().save(tmp_path / "a.webp", save_all=True, append_images=[scene().rotate(90)], quality=95)
    found, pixels = shown(tmp_path / "a.webp")
    assert found.incomplete_reason.startswith("animated") and error(pixels, scene()) < 5


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_pictures_that_move_are_films(tmp_path, ending):
    more = [scene().rotate(angle) for angle in (90, 180)]
    scene().save(tmp_path / f"a.{ending}", save_all=True, append_images=more, duration=500)
    found = media.probe(tmp_path / f"a.{ending}")
    assert found.modality == "video" and found.duration == pytest.approx(1.5, abs=0.1)


def test_pictures_that_nothing_here_reads_are_named(tmp_path):
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50)
    assert "HEIC" in refusal(saved(tmp_path / "a.heic", heic))
    assert "JPEG XL" in refusal(saved(tmp_path / "b.jxl", b"\xff\x0a" + bytes(50)))
    assert not media.looks_like_media(saved(tmp_path / "b.bin", b"\xff\x0a" + bytes(50)))
    assert "JPEG XL" in refusal(saved(tmp_path / "a.jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50)))


def test_an_avif_of_another_major_brand(tmp_path):
    scene().save(tmp_path / "a.avif", quality=95)
    data = (tmp_path / "a.avif").read_bytes()
    path = saved(tmp_path / "b.avif", data[:8] + b"mif1" + data[12:])
    assert error(shown(path)[1], scene()) < 5


def test_damaged_pictures_write_nothing(tmp_path):
    stream = io.BytesIO()
    scene().save(stream, "TIFF", compression="tiff_lzw")
    path = saved(tmp_path / "a.tif", stream.getvalue()[:9000])
    code = "import sys; from pathlib import Path; from encoders import media\n"
    code += "try: media.probe(Path(sys.argv[1]))\nexcept media.MediaError: pass\n"
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code, path], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "bmp", "tiff", "avif"])
def test_an_image_is_one_segment(tmp_path, ending):
    path = photo(tmp_path / f"card.{ending}")
    assert media.probe(path).modality == "image"
    (part,) = parts(path)
    assert part.frames.shape == (1, 120, 160, 3) and part.frames.dtype == np.uint8
    assert (part.start, part.end, part.audio) == (None, None, None)
    assert close(corners(part.frames[0]), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = photo(tmp_path / "card.jpg", exif=exif, quality=95)
    (part,) = parts(path)
    places = [RED, GREEN, BLUE, WHITE]
    order = {1: "0123", 2: "1032", 3: "3210", 4: "2301", 5: "0213", 6: "2031", 7: "3120", 8: "1302"}
    assert close(corners(part.frames[0]), [places[int(i)] for i in order[orientation]])
    found = media.probe(path)
    assert part.frames.shape[1:3] == (found.height, found.width)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(48, 0)
    deep = {"I;16": (np.uint16, 257), "I": (np.int32, 257), "F": (np.float32, 1 / 255)}
    if mode in deep:
        kind, scale = deep[mode]
        image = Image.fromarray((ramp * np.float64(scale)).astype(kind))
    else:
        grey = Image.fromarray(ramp).convert("L" if mode in ("1", "LA", "P") else "RGB")
        image = grey.convert(mode, dither=Image.Dither.NONE)
    path = tmp_path / "ramp.tiff"
    image.save(path)
    (part,) = parts(path)
    expected = np.where(ramp > 127, 255, 0) if mode == "1" else ramp
    assert np.abs(part.frames[0].astype(int) - expected[..., None]).max() <= 3


def test_deep_colour(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "deep.tiff", card().astype(np.uint16) * 257, photometric="rgb")
    (part,) = parts(tmp_path / "deep.tiff")
    assert np.array_equal(part.frames[0], card())


def test_transparent_parts_are_white(tmp_path):
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 20, 40))
    image.save(tmp_path / "half.png")
    (part,) = parts(tmp_path / "half.png")
    assert corners(part.frames[0]) == [BLUE, WHITE, BLUE, WHITE]


def test_large_pictures_get_smaller_and_small_ones_stay(tmp_path):
    assert parts(photo(tmp_path / "a.jpg", 4000, 3000))[0].frames.shape == (1, 384, 512, 3)
    assert parts(photo(tmp_path / "b.jpg", 30, 1))[0].frames.shape == (1, 1, 30, 3)


def test_a_huge_picture_is_refused_by_its_header(tmp_path, monkeypatch):
    path = huge_png(tmp_path / "huge.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("its pixels were decoded"))
    assert reason(path) == "40000 x 40000 pixels are 1,600 megapixels, more than the limit of 200"


def test_truncated_pictures(tmp_path):
    for ending in ("jpg", "png"):
        whole = photo(tmp_path / f"whole.{ending}", 800, 600)
        assert "picture" in reason(cut_short(tmp_path / f"head.{ending}", whole, 0.004))
