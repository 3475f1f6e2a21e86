"""The page of answers: its links and players lead to the files, whatever they are named."""

import os
import re
from contextlib import closing
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from library_factory import flicker, hum, index, painted
from media_factory import clip

from retrieval.report.results_page import make_media_link, write_results_page
from retrieval.search.answers import Answer, answer_query
from retrieval.search.engine import Engine
from retrieval.search.hits import SearchResults
from retrieval.search.query import Query
from retrieval.search.query_reading import QueryText
from retrieval.storage.library import Library

ODD = os.fsdecode(b"a b#c?d%20e")
NAMES = {
    "image": (b'it\'s "one"\n&<b>#1?.png', "雪 100%.png".encode()),
    "audio": (b"caf\xe9;a=b.wav", b"c:sound.wav"),
    "video": (b"film \xff.mp4", b"small.gif"),
}


class Tags(HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Media with odd names in a folder with one."""
    folder = tmp_path_factory.mktemp("page")
    media = folder / ODD
    media.mkdir()
    image, audio, video = ([media / os.fsdecode(name) for name in NAMES[kind]] for kind in NAMES)
    plain = folder / "plain"
    plain.mkdir()
    for seed, path in enumerate(image):
        painted(plain / "photo.png", seed).rename(path)
    for seed, path in enumerate(audio):
        hum(plain / "sound.wav", 4700 + 900 * seed, seconds=20).rename(path)
    clip(plain / "film.mp4", seconds=3, sound=3).rename(video[0])
    flicker(plain / "small.gif", 3).rename(video[1])
    index(folder / "lib", media)
    return folder


def answered(folder, file, kind="image", *, explain=True):
    """Hits and tags of a page that asks with the first file of a kind: like it are its kind and videos."""
    with closing(Library.open(folder / "lib")) as library, Engine(library) as engine:
        query = Query(**{kind: folder / ODD / os.fsdecode(NAMES[kind][0])})
        answer = answer_query(engine, query, explain=explain)
        write_results_page(file, library, [answer])
    return answer.results.hits, Tags(file.read_text(encoding="utf-8"))


def led_to(link, folder):
    """The path, as bytes, that a browser opens for a link on a page in a folder."""
    place, _, fragment = link.partition("#")
    path = unquote_to_bytes(place)
    if place.startswith("file://"):
        path = path.removeprefix(b"file://")
    return os.fsencode(os.path.normpath(Path(folder) / os.fsdecode(path))), fragment


@pytest.mark.parametrize("kind", ["image", "audio"])
@pytest.mark.parametrize("place", ["page.html", "new/deep/page.html"])
def test_links_lead_to_the_files_at_the_moment(library, place, kind):
    hits, tags = answered(library, library / place, kind)
    assert {hit.modality for hit in hits} == {kind, "video"}
    for hit, link in zip(hits, tags.of("a"), strict=True):
        assert not link["href"].startswith("file:")
        path, fragment = led_to(link["href"], (library / place).parent)
        assert path == os.fsencode(hit.path) and Path(os.fsdecode(path)).is_file()
        timed = hit.modality != "image" and not hit.path.endswith(".gif")
        assert fragment == (f"t={hit.start:.3f},{hit.end:.3f}" if timed else "")


def test_every_kind_has_its_player(library):
    played = {"audio": set(), "video": set()}
    for kind in ("image", "audio"):
        _, tags = answered(library, library / "page.html", kind)
        for player, names in played.items():
            for one in tags.of(player):
                assert one["preload"] == "none" and "controls" in one and one["aria-label"]
                names.add(led_to(one["src"], library)[0].rpartition(b"/")[2])
        assert all(one["poster"].startswith("data:image/jpeg") for one in tags.of("video"))
    assert played["audio"] == set(NAMES["audio"])
    assert played["video"] == {NAMES["video"][0]}  # a GIF moves as a picture


def test_nothing_runs_and_nothing_comes_from_elsewhere(library):
    _, tags = answered(library, library / "page.html")
    page = (library / "page.html").read_text(encoding="utf-8")
    assert not tags.of("script") and not tags.of("link") and not tags.of("b")
    assert "default-src 'none'" in page and "media-src 'self' file:" in page
    assert not re.search(r"https?://|@import|url\(", page)
    assert all(image["src"].startswith("data:") and "alt" in image for image in tags.of("img"))
    assert page.encode() and "\\xff" in unescape(page)  # names are shown with their odd bytes escaped


def test_reasons_are_folded_below_each_result(library):
    hits, tags = answered(library, library / "page.html")
    assert len(tags.of("details")) == len(tags.of("summary")) == len(hits)
    page = (library / "page.html").read_text(encoding="utf-8")
    for hit in hits:
        for view, score in hit.view_scores.items():
            assert re.search(rf"{re.escape(view)}</th><td>{score:.2f}</td>", page)
    _, tags = answered(library, library / "page.html", explain=False)
    assert not tags.of("details")


def test_a_phrase_and_its_point_are_told(library):
    with closing(Library.open(library / "lib")) as opened:
        nothing = Answer(
            query=Query(mood="calm"), results=SearchResults(hits=[], empty_reason="no <good> one")
        )
        write_results_page(library / "page.html", opened, [nothing])
    page = (library / "page.html").read_text(encoding="utf-8")
    assert "no &lt;good&gt; one" in page
    assert "mood calm: valence +0.54, arousal -0.52, dial 1" in page and "No good match" in page


@pytest.mark.parametrize(
    ("path", "folder", "link"),
    [
        ("/a/b/c.png", "/a/b", "c.png"), ("/a/b/c.png", "/a/d/e", "../../b/c.png"),
        ("/x/c.png", "/a/b", "file:///x/c.png"), ("/x/\udcff c.png", "/a", "file:///x/%FF%20c.png"),
        ("/a/x:y.png", "/a", "x%3Ay.png"),
    ],
)  # fmt: skip
def test_relative_where_both_share_a_folder(path, folder, link):
    assert make_media_link(path, Path(folder)) == link
    assert make_media_link(path, Path(folder), 1.5, 3) == f"{link}#t=1.500,3.000"


def test_a_page_behind_a_symbolic_link_has_absolute_links(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    photo = tmp_path / "real" / "a.png"
    assert make_media_link(str(photo), tmp_path / "link") == photo.as_uri()
    assert make_media_link(str(photo), tmp_path / "real") == "a.png"


def test_what_was_said_of_the_words_stands_on_the_page(library, tmp_path):
    lines = ("'eine <b>Katze</b>' does not look like English", "read dgo as dog")
    query = Query(text="eine <b>Katze</b>", reading=QueryText(positive="", warnings=lines))
    with closing(Library.open(library / "lib")) as opened:
        answer = Answer(query=query, results=SearchResults(hits=[]))
        write_results_page(tmp_path / "page.html", opened, [answer])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(line in unescape(page) for line in lines) and "<b>" not in page
