"""Still pictures of every format, with their ending, without and with a wrong one."""

import numpy as np
import pytest
from picture_factory import scene
from picture_reading import error, saved, shown

from encoders import media

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
