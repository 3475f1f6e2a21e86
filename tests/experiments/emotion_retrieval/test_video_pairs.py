"""Videos and texts as a training set of CLIP-ViP."""

import logging

import numpy as np
import pytest
import torch
from clip_factory import save_clip
from media_factory import clip, cut_short, tone

from encoders.base import AffectError
from encoders.clipvip.encoder import load_tokenizer
from experiments.emotion_retrieval.data import video_frames
from experiments.emotion_retrieval.data.video_frames import read_video_frames
from experiments.emotion_retrieval.data.video_pairs import make_video_pairs

SIDE = 32


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_tokenizer(save_clip(tmp_path_factory.mktemp("clip"), max_length=16))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return {
        "short": clip(folder / "short.mp4", seconds=0.5, fps=12),
        "long": clip(folder / "long.mp4", seconds=20, fps=12, size=(160, 64)),
    }


@pytest.fixture(scope="module")
def pairs(films, tokenizer):
    frames = read_video_frames(films, side=SIDE).require_all()
    texts, owners = ["a dog runs", "happy dog", "a storm"], ["long", "short", "long"]
    emotions = np.eye(3, 8, dtype=np.float32) * [[0], [2], [1]]
    affect = {"short": np.array([0.5, np.nan], np.float32)}
    return make_video_pairs(
        frames, texts, owners, emotions, tokenizer=tokenizer, max_length=16, affect_by_video=affect
    )


def test_videos_are_decoded_at_six_frames_a_second_into_squares(films):
    frames = read_video_frames(films, side=SIDE).require_all()
    assert {name: value.shape for name, value in frames.items()} == {
        "short": (3, SIDE, SIDE, 3),
        "long": (120, SIDE, SIDE, 3),
    }
    red = frames["long"][0, 2, 2]
    assert red[0] > 200 and red[1] < 60  # squashed, not cropped: all four corners of the picture are there
    assert frames["long"][0, -3, -3].min() > 200


def test_frames_in_a_cache_are_not_decoded_again(films, tmp_path, monkeypatch):
    first = read_video_frames(films, side=SIDE, cache_folder=tmp_path).require_all()

    def refuse(frames, side):
        raise AssertionError("decoded again")

    monkeypatch.setattr(video_frames, "scale_to_square", refuse)
    again = read_video_frames(films, side=SIDE, cache_folder=tmp_path).require_all()
    for name, frames in first.items():
        assert isinstance(again[name], np.memmap)
        np.testing.assert_array_equal(again[name], frames)
    (damaged,) = [path for path in tmp_path.rglob("*.npy") if path.stat().st_size > 100 * SIDE * SIDE * 3]
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(AssertionError, match="decoded again"):
        read_video_frames(films, side=SIDE, cache_folder=tmp_path)


def test_what_can_not_be_read_is_named_with_its_reason(films, tmp_path):
    paths = {
        **films,
        "text": tmp_path / "text.mp4",
        "sound": tone(tmp_path / "sound.wav"),
        "gone": tmp_path / "gone.mp4",
        "cut": cut_short(tmp_path / "cut.mp4", films["long"], 0.01),
    }
    paths["text"].write_text("no film")
    read = read_video_frames(paths, side=SIDE)
    assert set(read.by_video) == set(films)
    assert set(read.unreadable) == {"text", "sound", "gone", "cut"}
    assert read.unreadable["sound"] == "no frames"
    with pytest.raises(AffectError, match=r"^4 of 6 videos can't be read: text \(.*\.\.\.$") as raised:
        read.require_all()
    assert "\n" not in str(raised.value)


def test_a_batch_of_training_is_jittered_by_its_generator(pairs):
    texts = torch.arange(3)
    first, again, other = (pairs.make_batch(texts, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first["frames"].shape == (3, 12, SIDE, SIDE, 3) and first["frames"].dtype == torch.uint8
    assert torch.equal(first["frames"], again["frames"])
    assert not torch.equal(first["frames"][0], other["frames"][0])
    assert first["same_item"].tolist() == [[True, False, True], [False, True, False], [True, False, True]]
    assert first["emotions"].tolist() == pairs.emotions.tolist()
    assert first["affect"].isnan().tolist() == [[True, True], [False, True], [True, True]]


def test_test_frames_are_those_of_the_uniform_rule(pairs):
    assert pairs.video_ids == ("long", "short")
    frames = pairs.select_video_tensors(np.array([0]))["frames"]
    wanted = pairs.frames[0][np.floor(np.linspace(0, 119, 12)).astype(int)]
    np.testing.assert_array_equal(frames[0].numpy(), wanted)


def test_texts_are_padded_to_the_longest_of_the_batch(pairs):
    batch = pairs.select_text_tensors(np.array([1, 2]))
    assert batch["token_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1]]  # start, two words, end
    assert batch["token_ids"].shape == (2, 4) and pairs.token_ids.shape == (3, 5)
    assert pairs.has_emotion.tolist() == [False, True, True]


def test_videos_are_chosen_with_their_texts(pairs):
    part = pairs.select_videos(["short"])
    assert part.video_ids == ("short",) and part.item_by_text.tolist() == [0]
    assert part.emotions.tolist() == pairs.emotions[1:2].tolist()
    assert part.affect[0, 0] == 0.5
    with pytest.raises(KeyError):
        pairs.select_videos(["nobody"])


@pytest.mark.parametrize(
    ("texts", "owners", "message"),
    [
        (["a dog", " "], ["long", "short"], "1 captions are empty: the first is of short"),
        (["a dog", "a cat"], ["long", "gone"], "1 captions are of videos without frames: gone"),
        ([], [], "no captions"),
    ],
)
def test_texts_that_can_not_be_used_are_one_line(texts, owners, message, pairs, tokenizer):
    frames = dict(zip(pairs.video_ids, pairs.frames, strict=True))
    with pytest.raises(AffectError, match=message):
        make_video_pairs(frames, texts, owners, np.zeros((2, 8)), tokenizer=tokenizer, max_length=16)


def test_long_texts_are_cut_and_counted(pairs, tokenizer, caplog):
    frames = dict(zip(pairs.video_ids, pairs.frames, strict=True))
    with caplog.at_level(logging.WARNING):
        cut = make_video_pairs(
            frames, ["dog " * 40, "dog"], ["long", "short"], np.zeros((2, 8)), tokenizer=tokenizer,
            max_length=16,
        )  # fmt: skip
    assert cut.token_ids.shape == (2, 16) and "1 of 2 texts are cut at 16 tokens" in caplog.text
