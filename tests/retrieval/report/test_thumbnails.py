"""Pages show the previews of the library, and decode only what has none."""

import base64
import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from library_factory import gallery, hum, index, paths
from media_factory import clip
from PIL import Image

from retrieval.previews import PREVIEWS_NAME, PreviewStore
from retrieval.report import thumbnails
from retrieval.report.thumbnails import PALE_COLOUR, WAVEFORM_COLOUR, ItemMoment, load_thumbnails
from retrieval.storage import Library


@pytest.fixture
def lib(tmp_path):
    media = gallery(tmp_path / "media", photos=2)
    hum(media / "long.wav", 500, seconds=45)
    clip(media / "long.mp4", seconds=45, sound=45)
    index(tmp_path / "lib", media)
    return tmp_path / "lib"


def list_moments(lib):
    """A moment of each item, the second segment of the long ones."""
    return [
        ItemMoment(path=path, item_id=item, start=15.0, end=30.0)
        if path.stem == "long"
        else ItemMoment(path=path, item_id=item)
        for path, item in paths(lib).items()
    ]


def load(lib, moments):
    with closing(Library.open(lib)) as library:
        return load_thumbnails(library, moments)


def open_uri(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,")))).convert(
        "RGB"
    )


def test_nothing_is_decoded_where_previews_are_kept(lib, monkeypatch):
    moments = list_moments(lib)
    monkeypatch.setattr(thumbnails, "DecoderPool", None)
    made = load(lib, moments)
    assert set(made) == {moment.key for moment in moments} and len(made) == 8
    with closing(PreviewStore.open(lib)) as store:
        film = next(moment for moment in moments if moment.path.name == "long.mp4")
        stored = store.load_image(film.item_id, 22.5)
    assert made[film.key].endswith(base64.b64encode(stored).decode())


def test_what_has_no_preview_is_decoded(lib):
    moments = list_moments(lib)
    kept = load(lib, moments)
    (lib / PREVIEWS_NAME).unlink()
    decoded = load(lib, moments)
    assert set(kept) == set(decoded)
    for moment in moments:
        if moment.path.suffix == ".png":
            a, b = (np.asarray(open_uri(made[moment.key]), int) for made in (kept, decoded))
            assert a.shape == b.shape and np.abs(a - b).mean() < 2


def test_a_moment_that_no_image_shows_is_decoded(lib, monkeypatch):
    read = []
    monkeypatch.setattr(
        thumbnails, "make_thumbnails", lambda keys, seconds: read.extend(keys) or dict.fromkeys(keys, "")
    )
    film = next(moment for moment in list_moments(lib) if moment.path.name == "long.mp4")
    elsewhere = ItemMoment(path=film.path, item_id=film.item_id, start=300.0, end=315.0)
    unknown = ItemMoment(path=Path("/nowhere/a.png"))
    load(lib, [film, elsewhere, unknown])
    assert read == [elsewhere.key, unknown.key]


def test_a_sound_shows_where_its_segment_is(lib):
    sound = next(moment for moment in list_moments(lib) if moment.path.name == "long.wav")
    row = np.asarray(open_uri(load(lib, [sound])[sound.key]), int)[70]

    def is_like(colour):
        return np.abs(row - colour).sum(axis=1) < 60

    assert is_like(WAVEFORM_COLOUR)[110:210].all() and is_like(PALE_COLOUR)[:100].all()
    assert is_like(PALE_COLOUR)[220:].all()
