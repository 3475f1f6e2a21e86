import json
import re

import numpy as np
import pytest
from PIL import Image

from encoders.base import AffectError
from retrieval.report.modality_style import MODALITY_COLOURS
from retrieval.report.plot_labels import place_rim_words
from retrieval.report.va_page import PlottedItem, write_va_page
from retrieval.report.va_plot import write_va_plot
from spaces.circumplex import LANDMARKS

PICTURE = "data:image/png;base64,iVBORw0KGgo="


def points(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.hstack([rng.uniform(-0.9, 0.9, (count, 2)), rng.uniform(0.05, 0.2, (count, 2))])


def placed(name="cat.jpg", at=(0.4, -0.2, 0.1, 0.2), modality="image", thumb=None):
    valence, arousal, valence_sd, arousal_sd = at
    return PlottedItem(
        path=f"/media/{name}", name=name, modality=modality, valence=valence, arousal=arousal,
        valence_sd=valence_sd, arousal_sd=arousal_sd, thumbnail=thumb,
    )  # fmt: skip


def pixels(file):
    with Image.open(file) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


def inked(image, colour):
    """(n, 2) rows and columns of pixels of about this colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.argwhere(np.abs(image - wanted).max(axis=-1) < 12)


def items_of(page):
    return json.loads(re.search(r"ITEMS = (\[.*?\]), WORDS", page, re.S)[1])


def test_a_point_is_drawn_at_its_place_in_its_colour(tmp_path):
    rows = [[0.5, 0.5, 0.01, 0.01], [-0.5, -0.25, 0.01, 0.01]]
    write_va_plot(tmp_path / "map.png", rows, ["", ""], ["image", "audio"], "two")
    image = pixels(tmp_path / "map.png")
    height, width = image.shape[:2]
    left, bottom, side = 0.1 * width, 0.92 * height, 0.8 * width  # where the axes lie
    for (valence, arousal, *_), kind in zip(rows, ("image", "audio"), strict=True):
        spots = inked(image, MODALITY_COLOURS[kind])
        spots = spots[spots[:, 0] < bottom]  # the legend is below
        down, across = np.median(spots, axis=0)
        assert across == pytest.approx(left + side * (valence + 1) / 2, abs=4)
        assert down == pytest.approx(bottom - side * (arousal + 1) / 2, abs=4)


def test_wider_sds_make_wider_ellipses(tmp_path):
    drawn = []
    for sd in (0.05, 0.3):
        write_va_plot(tmp_path / "map.png", [[0, 0, sd, sd]], [""], ["video"], "", show_ellipses=True)
        image = pixels(tmp_path / "map.png")
        drawn.append(int((np.ptp(image, axis=-1) > 20).sum()))
    assert drawn[1] > 5 * drawn[0]


def test_ellipses_are_drawn_only_when_asked(tmp_path):
    drawn = []
    for ellipses in (False, True):
        write_va_plot(tmp_path / "map.png", [[0, 0, 0.3, 0.3]], [""], ["video"], "", show_ellipses=ellipses)
        drawn.append(int((np.ptp(pixels(tmp_path / "map.png"), axis=-1) > 20).sum()))
    assert drawn[1] > 5 * drawn[0]


def test_what_is_no_surer_than_the_prior_is_a_ring_without_a_name(tmp_path):
    drawn = []
    for sds in ((0.3, 0.3), (0.42, 0.36)):
        write_va_plot(
            tmp_path / "map.png", [[0.5, 0.5, *sds]], ["a long name"], ["image"], "", show_ellipses=True
        )
        image = pixels(tmp_path / "map.png")
        height, width = image.shape[:2]
        across, down = round((0.1 + 0.8 * 0.75) * width), round((0.92 - 0.8 * 0.75) * height)
        drawn.append(image[down - 120 : down + 120, across - 120 : across + 120])
    dot, ring = drawn
    assert np.ptp(dot[120, 120]) > 100 and (ring[120, 120] == 255).all()  # its middle is paper
    near = ring[100:140, 100:140]
    assert (np.ptp(near, axis=-1) > 20).sum() > 20  # of its colour
    ring[100:140, 100:140] = 255
    assert (ring == 255).all() and not (dot == 255).all()  # neither an ellipse nor a name about it


@pytest.mark.parametrize("count", [0, 1, 300])
def test_any_number_of_items_with_missing_ones_and_odd_names(count, tmp_path):
    rows = points(count)
    rows[::5] = np.nan
    names = [["$x^$", "a" * 300, "\udcff\n.jpg", "雪.png"][at % 4] for at in range(count)]
    kinds = [["image", "video", "audio", "text", "smell"][at % 5] for at in range(count)]
    write_va_plot(tmp_path / "new" / "map.png", rows, names, kinds, "a $ title_{")
    assert min(pixels(tmp_path / "new" / "map.png").shape[:2]) > 1000


def test_lengths_must_fit(tmp_path):
    with pytest.raises(ValueError, match="do not fit"):
        write_va_plot(tmp_path / "map.png", points(2), ["a"], ["image", "image"], "")


def test_words_at_the_rim_are_on_the_frame_and_apart():
    found = place_rim_words()
    assert len(found) >= 12
    for word, x, y in found:
        assert max(abs(x), abs(y)) == pytest.approx(1)
        valence, arousal = LANDMARKS[word]
        assert x * arousal == pytest.approx(y * valence)
    for at, (_, x, y) in enumerate(found):
        for _, other_x, other_y in found[at + 1 :]:
            assert np.hypot(x - other_x, y - other_y) > 0.05


def test_the_page_holds_every_item_that_has_a_mood(tmp_path):
    items = [
        placed(),
        placed("b.ogg", (-0.1, 0.9, 0.3, 0.3), "audio", PICTURE),
        placed("c.mp4", [np.nan] * 4),
    ]
    write_va_page(tmp_path / "map.html", items, title="<my> library")
    page = (tmp_path / "map.html").read_text()
    cat, sound = items_of(page)
    assert cat == {
        "path": "/media/cat.jpg", "name": "cat.jpg", "kind": "image", "thumb": None,
        "at": [0.4, -0.2, 0.1, 0.2],
    }  # fmt: skip
    assert sound["thumb"] == PICTURE
    assert "1 photo, 1 sound; 1 without a mood" in page
    assert "<title>&lt;my&gt; library</title>" in page
    assert page.count('type="checkbox" name="kind"') == 2


def test_the_page_says_what_is_little_known_and_what_is_sure(tmp_path):
    items = [
        placed("a.jpg", (0.54, -0.52, 0.1, 0.1)), placed("b.jpg", (0.54, -0.52, 0.36, 0.23)),
        placed("c.wav", (0.0, -0.07, 0.42, 0.36), "audio"),
    ]  # fmt: skip
    write_va_page(tmp_path / "map.html", items)
    page = (tmp_path / "map.html").read_text()
    sure, unsure, little = items_of(page)
    assert sure["word"] == "calm" and "little" not in sure
    assert "word" not in unsure and "little" not in unsure
    assert little["little"] is True and "word" not in little
    assert "1 with little to go by" in page and "a ring: little is known" in page
    write_va_page(tmp_path / "map.html", items[:2])
    assert "little to go by</label>" not in (tmp_path / "map.html").read_text()


def test_a_page_of_ten_thousand_items_is_small(tmp_path):
    items = [placed(f"{at:05}.jpg", (*row[:2], 0.36, 0.23)) for at, row in enumerate(points(10_000))]
    write_va_page(tmp_path / "map.html", items)
    assert (tmp_path / "map.html").stat().st_size < 2_500_000
    assert len(items_of((tmp_path / "map.html").read_text())) == 10_000


def test_the_page_needs_no_network_and_runs_nothing_of_a_name(tmp_path):
    nasty = '</script><img src=x onerror="alert(1)">\udcff.jpg'
    write_va_page(tmp_path / "map.html", [placed(nasty)])
    page = (tmp_path / "map.html").read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=\"(?!data:)|url\(|@import|<link", page)
    assert page.count("</script>") == 1
    assert "<img src=x" not in page
    assert items_of(page)[0]["path"] == f"/media/{nasty}"  # as the file is named, for the clipboard


def test_an_empty_page(tmp_path):
    write_va_page(tmp_path / "map.html", [])
    assert items_of((tmp_path / "map.html").read_text()) == []


def test_files_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "taken").write_text("")
    for write in (
        lambda file: write_va_plot(file, points(1), ["a"], ["image"], ""),
        lambda file: write_va_page(file, [placed()]),
    ):
        with pytest.raises(AffectError, match="taken"):
            write(tmp_path / "taken" / "map")
