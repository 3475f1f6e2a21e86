"""Texts, profiles, checksums and stray bytes around the pixels."""

import numpy as np
import pytest
from media_factory import deflated_zeros
from picture_factory import chunk, png_with, scene
from picture_reading import error, saved, shown

from encoders import media
from encoders.media import Limits
from encoders.media.decoder_pool import DecodedSegment, DecoderPool


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
