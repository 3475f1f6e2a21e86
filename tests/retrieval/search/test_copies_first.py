"""Whatever is asked with comes first where the library holds the same content: as a whole, as a segment, in
another encoding, among near duplicates of it.
"""

import shutil
import wave
from contextlib import closing

import numpy as np
import pytest
from library_factory import DIM, encoded, hum, index, new_library, painted, random_rows
from media_factory import clip, float_wav
from PIL import Image

from encoders.media import Sampling
from encoders.media.decoder_pool import DecodedSegment, DecoderPool
from retrieval.search import calibration
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.library import Library

SEGMENT = 1.0
BALANCES = (1.05, 1, 3)


def pictures(seeds, noise=0):
    rng = np.random.default_rng(0)
    found = []
    for seed in seeds:
        colours = np.random.default_rng(seed).integers(0, 256, (2, 2, 3))
        pixels = np.repeat(np.repeat(colours, 24, axis=0), 32, axis=1)
        pixels = pixels + rng.integers(-noise, noise + 1, pixels.shape)
        found.append(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))
    return found


def slides(path, frames, **options):
    """A GIF of one second a frame."""
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1000, **options)
    return path


def chirp(path, hertz, seconds, noise=0.0):
    """A sound whose pitch rises, so that its seconds differ."""
    time = np.arange(round(seconds * 16000)) / 16000
    wave_form = 0.4 * np.sin(2 * np.pi * (hertz + 400 * time) * time)
    return float_wav(path, wave_form + noise * np.random.default_rng(1).standard_normal(len(time)))


def as_integers(path, source):
    """The same sound in whole numbers of 16 bits."""
    samples = np.frombuffer(source.read_bytes()[44:], "<f4")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, len(samples), "NONE", ""))
        file.writeframes((samples * 32767).round().astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Every kind of file, near duplicates of each, and stills of the films' seconds, in segments of 1 s."""
    folder = tmp_path_factory.mktemp("copies")
    media = folder / "media"
    media.mkdir()
    for seed in range(12):
        painted(media / f"photo{seed}.png", seed)
    for number, frame in enumerate(pictures([3] * 5, noise=3)):
        frame.save(media / f"near-photo{number}.png")
    slides(media / "long.gif", pictures(range(100, 106)))
    slides(media / "long-near.gif", pictures(range(100, 106), noise=12))
    slides(media / "short.gif", pictures((200, 201)))
    slides(media / "mean.gif", [Image.blend(*pictures(pair), 0.5) for pair in ((100, 103), (101, 104))])
    for seed in range(100, 106):
        pictures([seed], noise=4)[0].save(media / f"still{seed}.png")
    clip(media / "sound.mp4", seconds=4, sound=4)
    clip(media / "silent.mp4", seconds=4)
    chirp(media / "long.wav", 300, 6)
    chirp(media / "long-near.wav", 300, 6, noise=0.01)
    chirp(media / "short.wav", 900, 0.7)
    hum(media / "hum.wav", 900, 0.7)
    with closing(new_library(folder / "lib", segment=SEGMENT)):
        pass
    index(folder / "lib", media)
    with closing(Library.open(folder / "lib")) as library, Engine(library) as engine:
        yield media, engine


ITSELF = [
    ("image", "photo3.png"), ("image", "near-photo2.png"), ("image", "still104.png"), ("video", "long.gif"),
    ("video", "long-near.gif"), ("video", "short.gif"), ("video", "mean.gif"), ("video", "sound.mp4"),
    ("video", "silent.mp4"), ("audio", "long.wav"), ("audio", "long-near.wav"), ("audio", "short.wav"),
]  # fmt: skip


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize(("kind", "name"), ITSELF)
def test_a_file_of_the_library_finds_itself_first(shelf, kind, name, balance):
    media, engine = shelf
    first, *rest = engine.search(Query(**{kind: media / name}, balance=balance))
    assert first.path == str(media / name) and first.is_copy and not any(hit.is_copy for hit in rest)
    assert first.score == 1 and {score for score in first.space_scores.values() if score is not None} == {1.0}
    assert first.start in (None, 0)


@pytest.mark.parametrize(("kind", "name"), ITSELF)
def test_it_is_the_content_that_counts_and_not_the_path(shelf, tmp_path, kind, name):
    media, engine = shelf
    elsewhere = shutil.copy(media / name, tmp_path / f"elsewhere.{name.rpartition('.')[2]}")
    first = engine.search(Query(**{kind: elsewhere}))[0]
    assert first.path == str(media / name) and first.is_copy


@pytest.mark.parametrize("dial", [0.0, 0.3, 0.9])
def test_it_is_first_by_content_and_its_own_mood(shelf, dial):
    media, engine = shelf
    assert engine.search(Query(video=media / "long.gif", affect=dial))[0].path == str(media / "long.gif")


@pytest.mark.parametrize("balance", BALANCES)
def test_another_encoding_finds_it(shelf, tmp_path, balance):
    media, engine = shelf
    painted(tmp_path / "photo.jpg", 7, quality=95)
    slides(tmp_path / "long.gif", pictures(range(100, 106)), comment=b"another")
    as_integers(tmp_path / "long.wav", media / "long.wav")
    for kind, asked, name in (
        ("image", "photo.jpg", "photo7.png"),
        ("video", "long.gif", "long.gif"),
        ("audio", "long.wav", "long.wav"),
    ):
        first = engine.search(Query(**{kind: tmp_path / asked}, balance=balance))[0]
        assert first.path == str(media / name) and not first.is_copy and first.score > 0.99, (kind, first)


@pytest.mark.parametrize(("begin", "end"), [(0, 2), (4, 6), (2, 5)])
def test_a_cut_finds_the_whole_and_its_moment(shelf, tmp_path, begin, end):
    media, engine = shelf
    frames = pictures(range(100 + begin, 100 + end))
    slides(tmp_path / "cut.gif", frames)
    first = engine.search(Query(video=tmp_path / "cut.gif", modalities=("video",)))[0]
    assert first.path == str(media / "long.gif") and first.start == begin
    samples = np.frombuffer((media / "long.wav").read_bytes()[44:], "<f4")
    float_wav(tmp_path / "cut.wav", samples[begin * 16000 : end * 16000])
    first = engine.search(Query(audio=tmp_path / "cut.wav"))[0]
    assert first.path == str(media / "long.wav") and first.start == begin


def test_with_all_but_its_own_modality_it_is_no_answer(shelf):
    media, engine = shelf
    hits = engine.search(Query(video=media / "long.gif", modalities=("image", "audio")))
    assert hits and {hit.modality for hit in hits} <= {"image", "audio"}


def test_words_or_a_mood_beside_it_are_a_question_of_their_own(shelf):
    media, engine = shelf
    both = engine.search(Query(image=media / "photo3.png", audio=media / "hum.wav"))
    assert not any(hit.is_copy for hit in both)
    alone = engine.search(Query(image=media / "photo3.png"))
    assert engine.search(Query(text="words no toy reads", image=media / "photo3.png")) == alone


def test_a_question_of_several_segments_scores_the_mean_of_its_segments_best(tmp_path):
    """Two segments asked with; each item's score is the mean of what its best segment gives each of them."""
    rows = random_rows(40, 1)
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        library.commit([encoded("aa", rows[:2], modality="video")])
        library.commit([encoded(f"c{n:02x}", rows[n : n + 3], modality="video") for n in range(2, 37)])
        with Engine(library) as engine:
            hits = {hit.id: hit for hit in engine.search(Query(item=f"{'aa':0>16}", k=100, balance=1))}
            single = [{hit.id: hit.score for hit in _asked_with(library, row)} for row in rows[:2]]
    assert len(hits) == 35
    for name, hit in hits.items():
        assert hit.score == pytest.approx(np.mean([scores[name] for scores in single]), abs=2e-3)


def _asked_with(library, row):
    """The library asked with one row, as an item of its own that is taken away again."""
    library.commit([encoded("ff", row[None], modality="video")])
    with Engine(library) as engine:
        hits = engine.search(Query(item=f"{'ff':0>16}", k=100, balance=1))
    with library.catalog.transaction():
        library.catalog.remove_paths_and_orphans(
            [path for path, known in library.catalog.load_files().items() if known.item_id[-2:] == "ff"]
        )
    return hits


def test_a_library_of_films_much_alike_still_knows_the_same_from_another():
    """Cosines of .5 +- .25: one of 1 is two deviations above, where nothing could be three."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal(DIM)
    rows = common * 1.2 + rng.standard_normal((60, DIM))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    fitted = calibration.fit_library_calibration(rows, np.arange(60), None)
    assert fitted.to_z_scores(1.0) < 6 and fitted.to_probabilities(1.0) > 0.98
    assert fitted.to_probabilities(fitted.mean) == pytest.approx(0.011, abs=0.001)
    apart = rng.standard_normal((60, 400))
    apart = (apart / np.linalg.norm(apart, axis=1, keepdims=True)).astype(np.float16)
    usual = calibration.fit_library_calibration(apart, np.arange(60), None)
    assert (usual.slope, usual.midpoint) == (1.5, 3.0)


def test_the_segments_of_a_query_keep_their_silences(tmp_path):
    """A second of silence in a sound says nothing, and costs the others nothing."""
    sound = chirp(tmp_path / "a.wav", 300, 3)
    samples = np.frombuffer(sound.read_bytes()[44:], "<f4").copy()
    samples[16000:32000] = 0
    float_wav(tmp_path / "gap.wav", samples)
    with DecoderPool(1, Sampling(segment_seconds=SEGMENT)) as pool:
        assert sum(isinstance(event, DecodedSegment) for event in pool.read([tmp_path / "gap.wav"])) == 3
    with closing(new_library(tmp_path / "lib", segment=SEGMENT)):
        pass
    for name in ("a.wav", "gap.wav"):
        (tmp_path / "media").mkdir(exist_ok=True)
        shutil.copy(tmp_path / name, tmp_path / "media" / name)
    hum(tmp_path / "media" / "hum.wav", 5000)
    index(tmp_path / "lib", tmp_path / "media")
    with closing(Library.open(tmp_path / "lib")) as library, Engine(library) as engine:
        first, second, *_ = engine.search(Query(audio=tmp_path / "gap.wav"))
    assert first.path.endswith("gap.wav") and second.path.endswith("a.wav") and second.score > 0.99
