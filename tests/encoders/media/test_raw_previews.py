"""Cameras' RAW files show their preview."""

import pytest
from picture_factory import raw, scene
from picture_reading import error, refusal, saved, shown, stored

from encoders.media.raw_previews import MIN_PREVIEW_SIDE_PX


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
