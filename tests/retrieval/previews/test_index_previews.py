"""An index run leaves previews of all it has indexed, and none of what is gone."""

import io
import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from library_factory import ENCODERS, affect, content, hum, index, painted, paths
from media_factory import clip
from PIL import Image

from retrieval.indexing import IndexProgress, PreviewCompleter
from retrieval.previews import PREVIEWS_NAME, PreviewStore, list_items_without_preview, remove_stale_previews
from retrieval.storage import Library


def open_image(jpeg):
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


def complete(lib, jobs=1):
    """The counts of a run of the completer, None where nothing was missing."""
    with closing(Library.open(lib)) as library, library.lock_for_writing():
        progress = IndexProgress()
        PreviewCompleter(library, progress, lambda counts: None).run(remove_stale_previews(library), jobs)
        return progress.previews


def test_a_photo_looks_like_itself(lib, media, store):
    image = open_image(store.load_image(paths(lib)[media / "photo1.png"], None))
    original = Image.open(media / "photo1.png").convert("RGB")
    assert image.format == "JPEG" and image.size == original.size == (64, 48)
    assert np.abs(np.asarray(image, int) - np.asarray(original, int)).mean() < 6


def test_large_pictures_are_reduced_and_panoramas_too(tmp_path, media):
    Image.effect_noise((3000, 1500), 60).convert("RGB").save(media / "large.jpg")
    Image.new("RGB", (9000, 300), "red").save(media / "wide.png")
    index(tmp_path / "lib", media)
    store = PreviewStore.open(tmp_path / "lib")
    sizes = {
        name: open_image(store.load_image(paths(tmp_path / "lib")[media / name], None)).size
        for name in ("large.jpg", "wide.png")
    }
    assert sizes == {"large.jpg": (320, 160), "wide.png": (320, 11)}


def test_sounds_have_peaks_and_no_image(lib, media, store):
    item = paths(lib)[media / "low.wav"]
    peaks, seconds = store.load_peaks(item)
    assert store.load_image(item, None) is None and seconds == pytest.approx(1.0, abs=0.01)
    assert len(peaks) == 100 and peaks.max() == 255 and peaks.min() > 200  # a steady tone


def test_films_have_both_and_silent_ones_no_peaks(lib, media, store):
    film, silent = (paths(lib)[media / name] for name in ("film.mp4", "flicker.gif"))
    assert open_image(store.load_image(film, None)).format == "JPEG"
    assert store.load_peaks(film)[1] == pytest.approx(3, abs=0.1)
    assert store.load_image(silent, None) and store.load_peaks(silent) is None


def test_a_film_has_images_at_the_middle_of_at_most_twelve_segments(tmp_path):
    pictures = [Image.new("RGB", (64, 48), (i, 255 - i, i)) for i in range(150)]
    pictures[0].save(
        tmp_path / "long.gif", save_all=True, append_images=pictures[1:], duration=10_000
    )  # 1500 s are 100 segments
    index(tmp_path / "lib", tmp_path / "long.gif")
    store = PreviewStore.open(tmp_path / "lib")
    (item,) = paths(tmp_path / "lib").values()
    with closing(sqlite3.connect(tmp_path / "lib" / PREVIEWS_NAME)) as db:
        seconds = [row[0] for row in db.execute("SELECT seconds FROM images ORDER BY seconds")]
    assert len(seconds) == 12
    middles = 15 * np.floor(np.array(seconds) / 15) + 7.5
    assert np.abs(seconds - middles).max() <= 5 and np.diff(middles).min() >= 105
    images = [store.load_image(item, at) for at in seconds]
    assert len(set(images)) == 12
    assert store.load_image(item, seconds[4] + 20) == images[4] == store.load_image(item, seconds[4] - 20)
    assert store.load_image(item, 1e9) == images[-1] and store.load_image(item, None) == images[6]
    assert store.load_image(item, seconds[4] + 20, within=15) is None
    assert store.load_image(item, seconds[4] + 10, within=15) == images[4]


def test_copies_share_a_preview(lib, media, store):
    shutil.copy(media / "photo1.png", media / "copy.png")
    before = store.count()
    index(lib, media)
    assert store.count() == before


def test_what_is_gone_has_no_preview(lib, media, store):
    items = paths(lib)
    painted(media / "photo0.png", 50)
    (media / "photo1.png").unlink()
    index(lib, media)
    assert store.load_image(items[media / "photo0.png"], None) is None
    assert store.load_image(items[media / "photo1.png"], None) is None
    assert store.load_image(paths(lib)[media / "photo0.png"], None) is not None
    assert affect("remove", media / "film.mp4", "-l", lib).returncode == 0
    assert store.load_image(items[media / "film.mp4"], None) is None
    jpeg = store.load_image(items[media / "photo2.png"], None)
    assert affect("remove", media / "photo2.png", "-l", lib).returncode == 0
    files = [path.read_bytes() for path in lib.glob(f"{PREVIEWS_NAME}*")]
    assert files and not any(jpeg[-60:] in held for held in files)  # nor is it left in the file


def test_rebuild_keeps_previews_and_gives_space_back(lib, media, store):
    before = {item: store.load_image(item, None) for item in paths(lib).values()}
    for seed in range(60):
        Image.effect_noise((300, 300), 90).convert("RGB").save(media / f"noise{seed}.jpg")
    index(lib, media)
    for path in media.glob("noise*.jpg"):
        path.unlink()
    assert affect("index", media, "-l", lib, "--prune").returncode == 0
    size = (lib / PREVIEWS_NAME).stat().st_size
    assert affect("rebuild", "-l", lib).returncode == 0
    assert (lib / PREVIEWS_NAME).stat().st_size < size / 4
    assert {item: store.load_image(item, None) for item in paths(lib).values()} == before


def test_a_library_without_previews_gets_them_without_encoding(lib, media, monkeypatch):
    with closing(PreviewStore.open(lib)) as store:
        items = paths(lib).values()
        peaks = {item: store.load_peaks(item) for item in items}
        sizes = {item: (jpeg := store.load_image(item, None)) and open_image(jpeg).size for item in items}
    (lib / PREVIEWS_NAME).unlink()
    before = content(lib)
    said = affect("verify", "-l", lib)
    assert said.returncode == 0 and "7 items have no preview" in said.stdout
    assert len(json.loads(affect("verify", "-l", lib, "--json").stdout)["without_preview"]) == 7
    monkeypatch.setattr(Library, "commit", None)
    done = affect("index", media, "-l", lib, "--json")
    assert json.loads(done.stdout)["previews"] == {"made": 7, "missing": 0, "failed": []}, done.stderr
    assert content(lib) == before
    with closing(PreviewStore.open(lib)) as store:
        for item in items:
            jpeg, again = store.load_image(item, None), store.load_peaks(item)
            assert (jpeg and open_image(jpeg).size) == sizes[item]
            assert (again and again[0].tolist()) == (peaks[item] and peaks[item][0].tolist())
    assert json.loads(affect("index", media, "-l", lib, "--json").stdout)["previews"] is None
    assert "no preview" not in affect("verify", "-l", lib).stdout


def test_missing_files_get_previews_once_they_are_back(lib, media):
    (lib / PREVIEWS_NAME).unlink()
    (media / "film.mp4").rename(media.parent / "away.mp4")
    painted(media / "photo0.png", 51)  # has another content now
    counts = complete(lib)
    assert (counts.made, counts.missing, counts.failed) == (5, 2, {})
    (media.parent / "away.mp4").rename(media / "film.mp4")
    assert complete(lib).made == 1


def test_a_file_that_is_damaged_by_now_is_not_tried_for_ever(lib, media):
    (lib / PREVIEWS_NAME).unlink()
    (media / "photo0.png").write_bytes(b"no picture any more")
    counts = complete(lib)
    assert counts.made == 6 and list(counts.failed) == [str(media / "photo0.png")]
    assert complete(lib) is None


def test_info_tells_the_size(lib):
    info = json.loads(affect("info", "-l", lib, "--json").stdout)
    size = (lib / PREVIEWS_NAME).stat().st_size
    assert info["previews"] == {"images": 5, "waveforms": 3, "faces": 0, "without": 0, "bytes": size}
    assert info["bytes"] >= size


def test_a_first_run_by_the_command_leaves_none_to_make(tmp_path, media):
    lib = tmp_path / "lib"
    done = affect("index", media, "-l", lib, "--encoders", ENCODERS, "--json")
    assert json.loads(done.stdout)["previews"] is None
    with closing(Library.open(lib)) as library:
        assert list_items_without_preview(library) == []


def test_peaks_go_over_all_segments(tmp_path, media):
    clip(media / "long.mp4", seconds=40, sound=40)
    hum(media / "long.wav", 500, seconds=40)
    index(tmp_path / "lib", media)
    store, items = PreviewStore.open(tmp_path / "lib"), paths(tmp_path / "lib")
    assert len(store.load_peaks(items[media / "long.wav"])[0]) == 400
    assert store.load_peaks(items[media / "long.wav"])[0].min() > 200  # also where segments meet
    assert store.load_image(items[media / "long.mp4"], 0.0) != store.load_image(items[media / "long.mp4"], 40)
