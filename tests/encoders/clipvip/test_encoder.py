"""CLIP-ViP as an encoder of a library."""

import json
import logging

import numpy as np
import pytest
import torch
from clip_factory import make_clip_config, make_model, save_tokenizer
from library_factory import affect, flicker
from transformers import CLIPModel

from encoders.base import MissingBackendError, UnknownNameError, is_missing_row
from encoders.clipvip.config import EmotionConfig
from encoders.clipvip.encoder import clip_vip
from encoders.clipvip.io import save_model
from encoders.registry import ENCODERS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A saved model with the tokenizer of a few words."""
    path = tmp_path_factory.mktemp("clipvip")
    config = make_clip_config()
    config.text_config.vocab_size = save_tokenizer(path)
    config.text_config.eos_token_id = config.text_config.vocab_size - 1
    torch.manual_seed(0)
    model = make_model(CLIPModel(config).eval(), emotions=EmotionConfig(conditioning="add", init_std=0.5))
    save_model(model, path)
    return path


def frames(count, seed=0, side=40):
    return np.random.default_rng(seed).integers(0, 256, (count, side, 2 * side, 3), np.uint8)


def test_videos_pictures_and_nothing(folder):
    encoder = clip_vip(folder)
    items = [frames(30), frames(1, 1), frames(3, 2), frames(0)]
    rows = encoder.encode(items)
    assert rows.shape == (4, encoder.card.dim) and rows.dtype == np.float32
    assert is_missing_row(rows).tolist() == [False, False, False, True]
    np.testing.assert_allclose(np.linalg.norm(rows[:3], axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode([item]) for item in items])
    np.testing.assert_array_equal(rows, alone)


def test_texts_and_their_emotions(folder):
    encoder = clip_vip(folder)
    rows = encoder.encode_text(["a dog runs", "a happy dog runs", "", "a dog runs"])
    assert is_missing_row(rows).tolist() == [False, False, True, False]
    np.testing.assert_allclose(rows[0], rows[3], atol=1e-6)
    assert np.abs(rows[0] - rows[1]).max() > 1e-3
    np.testing.assert_allclose(encoder.encode_text(["a dog runs"])[0], rows[0], atol=1e-5)


def test_texts_that_are_too_long_are_cut_and_that_is_said(folder, caplog):
    encoder = clip_vip(folder)
    with caplog.at_level(logging.WARNING):
        rows = encoder.encode_text(["dog " * 50, "dog"])
    assert np.isfinite(rows).all()
    assert "1 of 2 texts are cut at 16 tokens" in caplog.text


def test_a_folder_is_named_behind_a_colon(folder):
    name = ENCODERS.resolve(f"clipvip:{folder}")
    assert ENCODERS.make(name).folder == folder
    with pytest.raises(UnknownNameError, match="'minilm' takes no folder"):
        ENCODERS.make(f"minilm:{folder}")
    with pytest.raises(UnknownNameError, match="no encoder 'clipvib', did you mean 'clipvip'"):
        ENCODERS.resolve(f"clipvib:{folder}")


def test_a_folder_without_weights_is_one_line(tmp_path):
    with pytest.raises(MissingBackendError, match="name another folder as clipvip:FOLDER"):
        clip_vip(tmp_path)


def test_a_tokenizer_without_merges_is_refused(folder, tmp_path):
    for name in ("clipvip.safetensors", "vocab.json"):
        if (folder / name).exists():
            (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(MissingBackendError, match=r"no (vocab.json|merges.txt) of CLIP's tokenizer"):
        clip_vip(tmp_path).encode_text(["a dog"])


def test_a_library_is_indexed_and_searched_with_it(folder, tmp_path, monkeypatch):
    media = tmp_path / "media"
    media.mkdir()
    for number in range(3):
        flicker(media / f"film{number}.gif", seed=number)
    monkeypatch.chdir(folder.parent)
    lib, encoders = tmp_path / "lib", f"activity=clipvip:{folder.name},objects=,sound=,events=,tone=,faces="
    done = affect("index", media, "--library", lib, "--encoders", encoders)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    found = affect("search", "a happy dog", "--library", lib, "--json")
    assert found.returncode == 0, found.stderr
    assert len(json.loads(found.stdout)["results"]) == 3
    again = affect("search", "--video", media / "film1.gif", "--library", lib, "--json")
    assert json.loads(again.stdout)["results"][0]["path"].endswith("film1.gif")
