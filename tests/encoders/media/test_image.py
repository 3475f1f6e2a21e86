"""Pictures turned, damaged, laden with texts, from cameras: read as viewers show them, or refused."""

import io
import subprocess
import sys

import numpy as np
import pytest
from picture_factory import (
    chunk,
    deflated_zeros,
    interlaced_png,
    png_with,
    raw,
    scene,
    turned_tiff,
)
from PIL import Image, ImageFile
from repository import ROOT

from encoders import media
from encoders.base import MediaError
from encoders.media import Limits, Sampling
from encoders.media.decoder_pool import DecodedSegment, DecoderPool
from encoders.media.raw_previews import MIN_PREVIEW_SIDE_PX

T = Image.Transpose
# What a picture with this tag was turned by before it was stored.
STORED = {2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM, 5: T.TRANSPOSE, 6: T.ROTATE_90}
STORED |= {7: T.TRANSVERSE, 8: T.ROTATE_270}
TIFFS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")


def shown(path, side=512):
    """Probe and pixels, with what holds for every picture checked."""
    found = media.probe(path)
    (part,) = media.read_segments(path, found, Sampling(max_side=side))
    assert found.modality == "image" and part.frames.shape[0] == 1
    if side >= max(found.width, found.height):
        assert part.frames.shape[1:3] == (found.height, found.width)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    return found, part.frames[0]


def error(pixels, expected):
    assert pixels.shape == np.shape(expected)
    return np.abs(pixels.astype(int) - np.asarray(expected)).mean()


def refusal(path):
    with pytest.raises(MediaError) as caught:
        shown(path)
    assert "\n" not in str(caught.value)
    return caught.value.reason


def saved(path, data):
    path.write_bytes(data)
    return path


def stored(picture, tag):
    return picture if tag not in STORED else picture.transpose(STORED[tag])


# ---- orientation


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


# ---- cameras' RAW


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tag", [1, 6])
def test_a_raw_shows_its_preview(tmp_path, order, tag):
    picture = scene(MIN_PREVIEW_SIDE_PX + 44, 200)
    path = saved(tmp_path / "a.dng", raw(stored(picture, tag), tag, order))
    found, pixels = shown(path)
    assert error(pixels, picture) < 5 and found.incomplete_reason is None


def test_a_raw_without_a_preview_is_refused(tmp_path):
    for picture in (None, scene(MIN_PREVIEW_SIDE_PX - 1, 100)):
        assert refusal(saved(tmp_path / "a.nef", raw(picture))) == (
            "a camera's RAW can't be read; export it as JPEG"
        )
    assert "RAW" in refusal(saved(tmp_path / "a", b"FUJIFILMCCD-RAW 0201" + bytes(99)))


# ---- texts, profiles, checksums


def test_large_texts_and_profiles_of_a_png(tmp_path):
    zeros, text = deflated_zeros(3 << 20), b"x" * (3 << 20)
    chunks = {
        "zTXt": chunk(b"zTXt", b"prompt\0\0" + zeros),
        "iTXt": chunk(b"iTXt", b"workflow\0\1\0\0\0" + zeros),
        "iCCP": chunk(b"iCCP", b"profile\0\0" + zeros),
        "tEXt": chunk(b"tEXt", b"prompt\0" + text) * 25,
        "several": chunk(b"zTXt", b"a\0\0" + zeros) + chunk(b"iCCP", b"profile\0\0" + zeros),
    }
    for name, more in chunks.items():
        found, pixels = shown(saved(tmp_path / f"{name}.png", png_with(more)))
        assert error(pixels, scene()) == 0 and found.incomplete_reason is None
    after = png_with()
    after = after[:-12] + chunks["zTXt"] + after[-12:]
    assert error(shown(saved(tmp_path / "after.png", after))[1], scene()) == 0


def test_a_text_is_not_inflated_beyond_its_limit(tmp_path):
    bomb = chunk(b"zTXt", b"a\0\0" + deflated_zeros(600 << 20))
    path = saved(tmp_path / "bomb.png", png_with(bomb))
    with DecoderPool(1, limits=Limits(max_memory_bytes=256 << 20)) as pool:
        events = list(pool.read([path]))
    assert any(isinstance(event, DecodedSegment) for event in events)


@pytest.mark.parametrize("name", [b"tEXt", b"gAMA", b"pHYs", b"tIME", b"prVt"])
def test_a_bad_checksum_of_an_ancillary_chunk(tmp_path, name):
    path = saved(tmp_path / "a.png", png_with(chunk(name, b"\0\0\xb1\x8f\0\0\0\0\0", crc=1)))
    found, pixels = shown(path)
    assert error(pixels, scene()) == 0 and found.incomplete_reason is None


def test_a_bad_checksum_of_the_pixels(tmp_path):
    data = bytearray(png_with())
    data[-13] ^= 0xFF
    assert error(shown(saved(tmp_path / "a.png", data))[1], scene()) == 0


@pytest.mark.parametrize("junk", [b"\r\n", b"\n", b"\xef\xbb\xbf", b" \n\t"])
@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "tif"])
def test_stray_bytes_before_a_picture(tmp_path, ending, junk):
    scene().save(tmp_path / f"a.{ending}")
    path = saved(tmp_path / f"b.{ending}", junk + (tmp_path / f"a.{ending}").read_bytes())
    assert np.array_equal(shown(path)[1], shown(tmp_path / f"a.{ending}")[1])
    assert media.looks_like_media(saved(tmp_path / "bare", path.read_bytes()))


def test_bytes_after_a_picture_are_no_damage(tmp_path):
    for ending in ("jpg", "png", "gif", "webp", "bmp", "tif"):
        path = tmp_path / f"a.{ending}"
        scene().save(path)
        saved(path, path.read_bytes() + bytes(100_000))
        assert shown(path)[0].incomplete_reason is None


# ---- files that end early


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


# ---- panoramas


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


# ---- formats


STILLS = ["jp2", "j2k", "jpx", "ppm", "pgm", "pbm", "pfm", "tga", "ico", "dds", "pcx", "sgi", "qoi", "icns"]
STILLS += ["mpo", "jfif", "dib", "apng"]
MODES = {"pgm": "L", "pbm": "1", "pfm": "F"}


@pytest.mark.parametrize("ending", STILLS)
def test_still_formats(tmp_path, ending):
    picture = scene(256, 256).convert(MODES.get(ending, "RGB"))
    picture.save(tmp_path / f"a.{ending}")
    _, pixels = shown(tmp_path / f"a.{ending}", 256)
    assert error(pixels, picture.convert("RGB")) < 6
    if ending not in ("tga", "dib"):  # these have nothing to be known by
        bare = saved(tmp_path / "bare", (tmp_path / f"a.{ending}").read_bytes())
        wrong = saved(tmp_path / "wrong.jpg", bare.read_bytes())
        assert media.looks_like_media(bare)
        assert np.array_equal(shown(bare, 256)[1], pixels) and np.array_equal(shown(wrong, 256)[1], pixels)


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
