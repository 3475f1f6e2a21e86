"""The encoder of texts adapted to affect."""

import numpy as np
import pytest
import torch
from text_affect import felt

from encoders.minilm_affect import SURFACE_DIM, merge_adapters
from encoders.registry import ENCODERS
from experiments.heads.text.regressors import ROLE
from experiments.heads.text.train import WEIGHTS_FILE
from experiments.heads.text_adapter.lora import LoRALinear
from spaces.tower_regressor import load_regressors


@pytest.fixture(scope="module")
def encoder():
    return ENCODERS.make("minilm-affect")


@pytest.fixture(scope="module")
def shipped():
    return load_regressors(WEIGHTS_FILE)


def test_empty_text_abstains(encoder, shipped):
    rows = felt(encoder, shipped, ["", " \n\t", "a happy child"])
    assert np.isnan(rows[:2]).all()
    assert np.isfinite(rows[2]).all()


def test_emoji_are_read_by_their_names_and_unknown_signs_abstain(encoder, shipped):
    glad, sobbing, unnamed, mixed = felt(encoder, shipped, ["😀", "😭😭😭", "\U0001fac8", "a cat \U0001fac8"])
    assert glad[0] > 0.2 and sobbing[0] < -0.2
    assert np.isnan(unnamed).all() and np.isfinite(mixed).all()


def test_a_curly_apostrophe_is_a_straight_one(encoder):
    curly, straight = encoder.encode(["I don’t like it", "I don't like it"])
    assert np.array_equal(curly, straight)


def test_rows_do_not_depend_on_the_batch(encoder):
    texts = ["a happy child", "The new law was announced on Monday, after a long and heated debate.", ""]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-4)


def test_columns_of_form_count_pieces_that_go_on_with_a_word(encoder):
    lengths, broken = encoder.encode(["happy", "a happy child", "zzgh"])[:, -SURFACE_DIM:].T
    np.testing.assert_allclose(np.exp(lengths[:2]), [3, 5], rtol=1e-5)  # with [CLS] and [SEP]
    assert broken[0] == broken[1] == 0
    assert broken[2] >= 0.5


def test_the_shipped_file_reads_this_encoder(encoder, shipped):
    assert shipped.encoder_signatures == {ROLE: encoder.card.signature}
    assert shipped["mean"].roles == shipped["log_sd"].roles == (ROLE,)


def test_merging_is_what_the_adapted_layers_do():
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 4)
    adapted = LoRALinear(layer, rank=2, scaling=3.0)
    rows = torch.randn(5, 6)
    assert torch.equal(adapted(rows), layer(rows))  # up starts as nothing
    torch.nn.init.normal_(adapted.up)
    wanted = adapted(rows).detach()
    module = torch.nn.ModuleDict({"one": layer})
    merge_adapters(
        module, {"one.down": adapted.down.detach().numpy(), "one.up": 3 * adapted.up.detach().numpy()}
    )
    torch.testing.assert_close(module["one"](rows), wanted)
