"""The second at which the sound that was asked for is strongest, in a sound and in a film."""

import json
import os
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from command_output import ok
from library_factory import affect
from media_factory import card, float_wav
from sound_factory import encoded

from encoders.media import Sampling, probe, read_segments_at
from encoders.minilm import MiniLM
from retrieval.report.terminal import format_moment
from retrieval.search import Engine, Query, explain_hit, explain_hits
from retrieval.search.sound_moment import encode_sound_text
from retrieval.storage import Library

RATE = 16000
SPEC = "objects=toy-frames,activity=,sound=,events=yamnet,tone=,faces=,text=minilm,sentiment="


def make_course(beeps_at, seconds=26):
    """Soft noise with beeps of 1 kHz for two seconds."""
    times = np.arange(seconds * RATE) / RATE
    beeps = 0.3 * np.sin(2 * np.pi * 1000 * times) * (times % 0.4 < 0.2)
    beeps[(times < beeps_at) | (times > beeps_at + 2)] = 0
    return beeps + np.random.default_rng(0).normal(0, 0.002, len(times))


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A sound with beeps from 19 to 21 s, and a film with them from 6 to 8 s."""
    folder = tmp_path_factory.mktemp("moments") / "media"
    folder.mkdir()
    float_wav(folder / "late.wav", make_course(19), RATE)
    pictures = [card(64, 48, grey=index) for index in range(100)]
    encoded(folder / "film.mp4", make_course(6, 10)[None], "aac", "mono", RATE, pictures)
    return folder


@pytest.fixture(scope="module")
def lib(media):
    done = affect("index", media, "-l", media.parent / "lib", "--encoders", SPEC, "-j", "1")
    assert done.returncode == 0, done.stderr
    return media.parent / "lib"


def explain(lib, *words):
    """What is explained of each result, by the name of its file."""
    results = json.loads(ok("search", *words, "-l", lib, "--json", "--explain"))["results"]
    return {result["path"].rpartition("/")[2]: result["why"] for result in results}


@pytest.mark.slow
def test_the_moment_is_that_of_the_events(lib):
    moments = {name: why["moment"] for name, why in explain(lib, "beeping").items()}
    half_patch = 0.48  # a patch that only begins or ends with the beeps may be the strongest
    assert 19 - half_patch <= moments["late.wav"] <= 21 + half_patch
    assert 6 - half_patch <= moments["film.mp4"] <= 8 + half_patch
    assert moments == {name: why["moment"] for name, why in explain(lib, "beeping", "--not", "a dog").items()}
    assert "strongest at 0:" in ok("search", "beeping", "-l", lib, "--explain")


@pytest.mark.slow
def test_no_moment_without_words_for_a_sound_or_without_the_file(lib, media):
    with closing(Library.open(lib)) as library:
        items = {item.modality: item.id for item in library.catalog.list_items()}
    assert {why["moment"] for why in explain(lib, "--item", items["audio"]).values()} == {None}
    with closing(Library.open(lib)) as library, Engine(library) as engine:
        hit = engine.search(Query(text="beeping"))[0]
        beeping = encode_sound_text(library, "beeping")
        assert engine.sound_moments.find(hit, beeping).event
        assert encode_sound_text(library, "democracy") is None
        unheard = replace(hit, space_scores={**hit.space_scores, "audio": None})
        assert engine.sound_moments.find(unheard, beeping) is None
        stat = (media / "late.wav").stat()
        os.utime(media / "late.wav", ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))  # it may be another
        late = next(hit for hit in engine.search(Query(text="beeping")) if hit.path.endswith("late.wav"))
        assert engine.sound_moments.find(late, beeping) is None
    (media / "late.wav").rename(lib.parent / "away.wav")
    why = explain(lib, "beeping")
    (lib.parent / "away.wav").rename(media / "late.wav")
    assert why["late.wav"]["moment"] is None and why["film.mp4"]["moment"] is not None


@pytest.mark.slow
def test_the_text_is_encoded_once_for_all_results(lib, monkeypatch):
    texts = []
    encode = MiniLM.encode
    monkeypatch.setattr(MiniLM, "encode", lambda self, items: texts.extend(items) or encode(self, items))
    with closing(Library.open(lib)) as library, Engine(library) as engine:
        query = engine.resolve_query(Query(text="beeping", balance=1))
        hits = engine.search(query)
        explain_hits(engine, hits, query)
        texts.clear()
        assert len(hits) > 1
        assert [why["moment"] for why in explain_hits(engine, hits, query)] == [
            explain_hit(engine, hit, query)["moment"] for hit in hits
        ]
    assert texts == [query.reading.positive] * (1 + len(hits))


def test_sound_of_a_film_can_be_read_alone(media):
    path = media / "film.mp4"
    sampling = Sampling(segment_seconds=5, skip_track="pictures")
    (segment,) = read_segments_at(path, probe(path), [5.0], sampling)
    assert segment.frames is None and segment.audio.duration == pytest.approx(5, abs=0.1)
    loud = np.flatnonzero(np.abs(segment.audio.samples) > 0.1) / RATE
    assert loud.min() > 0.9 and loud.max() < 3.1


def test_a_moment_in_text():
    assert format_moment(None) == ""
    assert [format_moment(seconds) for seconds in (0.04, 65.27, 3725.96)] == ["0:00.0", "1:05.3", "1:02:06.0"]
