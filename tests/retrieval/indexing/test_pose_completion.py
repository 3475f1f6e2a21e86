"""A library made before the role "pose" came gets its rows by indexing again, from its films alone."""

import json
import shutil
from contextlib import closing

import numpy as np
import pytest
from decoding_record import record_decoded_segments
from library_factory import TOYS, affect, wrong_with
from media_factory import float_wav, sine
from PIL import Image

from encoders import MissingBackendError
from encoders.registry import ENCODERS
from retrieval.features import PipelineConfig
from retrieval.indexing import Indexer, IndexProgress, RoleCompleter
from retrieval.samples.media_writer import write_video
from retrieval.search import Engine, Query
from retrieval.storage import Library
from retrieval.training.anchors import load_anchors
from retrieval.training.training_data import prepare_training_data

skimage = pytest.importorskip("skimage")
RATE = 16000
ENCODERS_BEFORE = {**TOYS, "objects": "efficientnet-lite2", "activity": "lite2-flow"}


@pytest.fixture(scope="module", autouse=True)
def encoder():
    try:
        return ENCODERS.make("blazepose")
    except MissingBackendError as missing:
        pytest.skip(str(missing))


def film(path, seconds, sound=None, moves=True):
    """A woman who moves across the picture, or noise, at 2 pictures a second."""
    woman = skimage.data.astronaut()[::2, ::2]
    noise = np.random.default_rng(0).integers(0, 256, woman.shape, np.uint8)
    frames = (np.roll(woman, 2 * step, axis=1) if moves else noise for step in range(round(2 * seconds)))
    audio = None if sound is None else [sine(sound, RATE)[0].astype(np.float32)]
    write_video(path, frames, 2, audio, RATE if sound else 0)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Films, silent or with sound as long, longer and shorter; one without a body; a photo; a sound."""
    folder = tmp_path_factory.mktemp("media")
    film(folder / "silent.mp4", 3)
    film(folder / "long.mp4", 20, sound=20)
    film(folder / "more-sound.mp4", 3, sound=20)
    film(folder / "less-sound.mkv", 20, sound=3)
    film(folder / "nobody.mp4", 3, sound=3, moves=False)
    Image.fromarray(skimage.data.astronaut()).save(folder / "photo.png")
    float_wav(folder / "sound.wav", sine(2, RATE)[0], RATE)
    return folder


def make_library(folder, media, **encoders):
    config = PipelineConfig(**{**ENCODERS_BEFORE, **encoders})
    with closing(Library.create(folder, config, 15.0)) as library, library.lock_for_writing():
        Indexer(library, lambda counts: None).run([media], 1)
    return folder


def make_old(folder, media, *roles, **encoders):
    """A library as a version before these roles made it."""
    make_library(folder, media, **encoders, **dict.fromkeys(roles, ""))
    with closing(Library.open(folder)) as library, library.catalog.transaction():
        recipe = {role: name for role, name in json.loads(library.recipe).items() if role not in roles}
        library.catalog.set_meta("recipe", json.dumps(recipe))
    return folder


def read_rows(folder):
    """{row file: rows (segments, d)} in the order of content ids and times."""
    with closing(Library.open(folder)) as library:
        columns = library.vectors.open_columns()
        items = columns.ids[columns.item_by_segment].astype(str)
        order = sorted(range(len(items)), key=lambda at: (items[at], columns.spans[at, 0]))
        return {
            name: library.vectors.load(name, np.arange(len(items)))[order]
            for name in library.catalog.list_vector_files()
        }


def check_equal(folder, other):
    ours, theirs = read_rows(folder), read_rows(other)
    assert ours.keys() == theirs.keys() and wrong_with(folder) == []
    for name, rows in theirs.items():
        np.testing.assert_allclose(ours[name], rows, atol=2e-3, err_msg=name)


def test_films_are_read_again_and_nothing_else(tmp_path, media, monkeypatch):
    fresh = make_library(tmp_path / "fresh", media, pose="blazepose")
    old, segments = make_old(tmp_path / "old", media, "pose"), record_decoded_segments(monkeypatch)
    done = affect("index", media, "--library", old, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    counts = json.loads(done.stdout)
    assert counts["added_roles"] == {"roles": ["pose"], "items": 5, "missing": 0, "left_out": []}
    assert segments and all(segment.audio is None for segment in segments)
    check_equal(old, fresh)
    bodies = ~np.isnan(read_rows(old)["pose"]).any(axis=1)
    assert bodies.sum() == 6  # two of the long films, one of the others, none of noise, photo and sound
    again = affect("index", media, "--library", old)
    assert again.returncode == 0 and "read again" not in again.stdout


def test_roles_of_films_and_of_sound_come_together(tmp_path, media):
    fresh = make_library(tmp_path / "fresh", media, pose="blazepose", events="yamnet")
    old = make_old(tmp_path / "old", media, "pose", "events")
    done = affect("index", media, "--library", old)
    assert "6 items read again for: pose, events" in done.stdout
    check_equal(old, fresh)


def test_a_library_of_another_encoder_of_activity_does_not_get_the_role(tmp_path, media):
    old = make_old(tmp_path / "old", media, "pose", activity="toy-frames")
    with closing(Library.open(old)) as library, library.lock_for_writing():
        completer = RoleCompleter(library, IndexProgress(), lambda counts: None)
        completer.read_media(1)
        assert not completer.must_install


@pytest.fixture
def uninstall(monkeypatch):
    """Takes the encoder of pose away until it is called with False."""
    make = ENCODERS.make

    def make_others(name):
        if name == "blazepose":
            raise MissingBackendError("encoder 'blazepose' needs a package; pip install it", command="pip")
        return make(name)

    def switch(is_gone=True):
        monkeypatch.setattr(ENCODERS, "make", make_others if is_gone else make)

    return switch


def index_here(folder, media):
    """`affect index` in this process."""
    with closing(Library.open(folder)) as library, library.lock_for_writing():
        progress = Indexer(library, lambda counts: None).run([media], 1)
        completer = RoleCompleter(library, IndexProgress(), lambda counts: None)
        completer.read_media(1)
        if completer.must_install:
            completer.install()
        return progress.indexed, completer._completion.read


def test_without_the_encoder_a_library_is_searched_and_grows_and_is_completed_later(
    tmp_path, media, uninstall, caplog
):
    place = tmp_path / "media"
    place.mkdir()
    for path in media.iterdir():
        if path.name != "long.mp4":
            shutil.copy(path, place)
    fresh = make_library(tmp_path / "fresh", media, pose="blazepose")
    library_folder = make_library(tmp_path / "lib", place, pose="blazepose")
    shutil.copy(media / "long.mp4", place)
    uninstall()
    assert index_here(library_folder, place) == (1, 0)
    assert "without the role pose: encoder 'blazepose' needs a package; pip install it" in caplog.text
    with closing(Library.open(library_folder)) as library, Engine(library) as engine:
        assert engine.search(Query(video=place / "long.mp4", k=3))[0].path == str(place / "long.mp4")
        with library.lock_for_writing(), pytest.raises(MissingBackendError, match="blazepose"):
            library.rebuild()
    uninstall(False)
    assert index_here(library_folder, place) == (0, 1)  # the new film
    check_equal(library_folder, fresh)


def test_a_library_made_without_the_encoder_gets_the_role_once_it_is_there(
    tmp_path, media, uninstall, caplog
):
    uninstall()
    encoders = {role: name for role, name in ENCODERS_BEFORE.items() if role != "pose"}
    config = PipelineConfig.default(**encoders)
    assert config["pose"] == "" and "the role pose is left out until it is there" in caplog.text
    folder = tmp_path / "lib"
    with closing(Library.create(folder, config, 15.0)) as library, library.lock_for_writing():
        Indexer(library, lambda counts: None).run([media], 1)
    caplog.clear()
    assert index_here(folder, media) == (0, 0) and not caplog.text
    uninstall(False)
    assert index_here(folder, media) == (0, 5)
    check_equal(folder, make_library(tmp_path / "fresh", media, pose="blazepose"))


def test_an_encoder_that_was_named_and_is_not_there_is_an_error(tmp_path, uninstall):
    uninstall()
    with pytest.raises(MissingBackendError, match="blazepose"):
        Library.create(tmp_path / "lib", PipelineConfig(pose="blazepose"), 15.0)
    assert not (tmp_path / "lib").exists()


def test_encoders_given_again_are_compared_where_both_have_decided(tmp_path, media):
    old = make_old(tmp_path / "old", media, "pose")
    spec = ",".join(f"{role}={name}" for role, name in ENCODERS_BEFORE.items() if role != "pose")
    assert affect("index", media, "--library", old, "--encoders", spec).returncode == 0
    other = affect("index", media, "--library", old, "--encoders", f"{spec},objects=toy-frames")
    assert other.returncode == 2 and "made with the encoders" in other.stderr
    with closing(Library.open(old)) as library:
        assert library.config["pose"] == "blazepose"  # which is among those given


def test_a_role_that_is_left_out_of_a_run_can_come_with_another(tmp_path, media):
    old = make_old(tmp_path / "old", media, "pose")
    spec = ",".join(f"{role}={name}" for role, name in {**ENCODERS_BEFORE, "pose": ""}.items())
    assert affect("index", media, "--library", old, "--encoders", spec).returncode == 0
    with closing(Library.open(old)) as library:
        assert not library.config["pose"] and library.config.list_new_roles() == {"pose": "blazepose"}


def test_a_film_without_a_body_is_read_once_and_nothing_is_projected_for_it(tmp_path, media):
    old = make_old(tmp_path / "old", media, "pose")
    assert index_here(old, media) == (0, 5)
    film(tmp_path / "another.mp4", 2, moves=False)
    generation = read_generation(old)
    assert index_here(old, tmp_path / "another.mp4") == (1, 0)
    assert read_generation(old) == generation


def read_generation(folder):
    with closing(Library.open(folder)) as library:
        return library.catalog.get_generation()


def test_an_encoder_of_pose_that_was_chosen_stays_while_other_roles_come(tmp_path, media):
    old = make_old(tmp_path / "old", media, "events", activity="toy-frames", pose="blazepose")
    assert index_here(old, media)[1] > 0
    with closing(Library.open(old)) as library:
        assert (library.config["pose"], library.config["events"]) == ("blazepose", "yamnet")


def test_a_missing_encoder_stops_training_and_alignment_before_they_begin(tmp_path, media, uninstall):
    folder = make_library(tmp_path / "lib", media, pose="blazepose")
    uninstall()
    with closing(Library.open(folder)) as library:
        for begin in (lambda: prepare_training_data(library, []), lambda: load_anchors(library)):
            with pytest.raises(MissingBackendError, match="blazepose"):
                begin()
