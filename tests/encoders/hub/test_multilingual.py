"""The sentence encoder of many languages: the same loading code on a tiny random copy."""

import numpy as np
import pytest

from encoders import ENCODERS, EnglishTextEncoder
from encoders.base import encode_all, is_missing_row
from encoders.hub import multilingual
from encoders.hub.multilingual import load_multilingual_minilm

TEXTS = ["a photo of the dog", "cat", " ", "the sound of a dog " * 40]


@pytest.mark.slow
def test_rows_do_not_depend_on_what_is_encoded_with_them(folders):
    encoder = load_multilingual_minilm(folders / multilingual.NAME)
    rows = encode_all(encoder, TEXTS)
    assert rows.shape == (4, encoder.card.dim) and rows.dtype == np.float32
    assert is_missing_row(rows).tolist() == [False, False, True, False]
    assert np.allclose(rows, encode_all(encoder, TEXTS, batch_size=1), atol=1e-4, equal_nan=True)


def test_rows_are_those_of_transformers(folders):
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = folders / multilingual.NAME
    encoder = load_multilingual_minilm(folder)
    tokens = AutoTokenizer.from_pretrained(folder)("a photo of the dog", return_tensors="pt")
    with torch.inference_mode():
        wanted = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[0].mean(0).numpy()
    assert np.allclose(encoder.encode(["a photo of the dog"])[0], wanted, atol=1e-4)


def test_reads_no_text_as_english(folders):
    assert not isinstance(load_multilingual_minilm(folders / multilingual.NAME), EnglishTextEncoder)
    assert isinstance(ENCODERS.make("minilm"), EnglishTextEncoder)
