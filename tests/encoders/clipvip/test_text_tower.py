"""The text tower: CLIP itself without emotions, the emotion report's rule, and forms that start harmless."""

from typing import get_args

import pytest
import torch
from clip_factory import END, make_clip, make_model, make_texts

from encoders.clipvip.config import REPORT_EMOTIONS, Conditioning, EmotionConfig
from encoders.clipvip.emotion_conditioning import CONDITIONINGS, TokenSequence, make_conditioning

FORMS = tuple(CONDITIONINGS)
JOY_AND_FEAR = torch.tensor([[3.0, 0, 0, 0, 1, 0, 0, 0]])
NONE = torch.zeros(3, 8)
SOME = torch.cat([JOY_AND_FEAR, torch.zeros(1, 8), torch.eye(8)[7:]])


def build(form, **options):
    return make_model(make_clip(), emotions=EmotionConfig(conditioning=form, **options))


def test_without_emotions_it_is_clip():
    ids, mask = make_texts()
    clip = make_clip()
    model = make_model(make_clip())
    wanted = clip.get_text_features(ids, attention_mask=mask).pooler_output
    assert (model.text(ids, mask) - wanted).abs().max() < 1e-6
    wanted = clip.get_text_features(ids[:1, :5]).pooler_output
    assert (model.text(ids[:1, :5]) - wanted).abs().max() < 1e-6


def test_ends_are_found_by_the_id_or_in_old_configurations_by_the_largest():
    text = make_model().text
    ids = torch.tensor([[50, 3, END, END], [50, END, END, END]])
    assert text.find_ends(ids).tolist() == [2, 1]
    text.text_model.config.eos_token_id = 2
    assert text.find_ends(torch.tensor([[50, 2, 3, END, END]])).tolist() == [3]


@pytest.mark.parametrize("form", FORMS)
def test_texts_without_emotion_are_those_of_no_emotions_to_the_bit(form):
    ids, mask = make_texts()
    model = build(form, init_std=1.0)
    assert torch.equal(model.text(ids, mask, NONE), model.text(ids, mask))


@pytest.mark.parametrize("form", FORMS)
def test_emotions_of_one_text_do_not_touch_another(form):
    ids, mask = make_texts()
    model = build(form, init_std=1.0)
    _open_gates(model)
    plain, moved = model.text(ids, mask), model.text(ids, mask, SOME)
    differences = (plain - moved).abs().amax(1)
    assert differences[1] < 1e-5
    assert differences[0] > 1e-3 and differences[2] > 1e-3


@pytest.mark.parametrize(
    "form", ["concat", "cross-attention", "gated-output", "gated-end-token", "affect-coordinates"]
)
def test_harmless_forms_start_as_clip_whatever_the_emotions(form):
    ids, mask = make_texts()
    model = build(form, init_std=1.0)
    assert (model.text(ids, mask, SOME) - model.text(ids, mask)).abs().max() < 1e-6


def test_the_reports_rule_binarises_averages_and_adds_to_every_token():
    conditioning = make_conditioning(REPORT_EMOTIONS, 32)
    tokens = TokenSequence(
        embeddings=torch.randn(1, 5, 32), mask=torch.tensor([[1, 1, 1, 0, 0]]), ends=torch.tensor([2])
    )
    weights = conditioning.weigh_emotions(JOY_AND_FEAR)
    assert weights.tolist() == [[1, 0, 0, 0, 1, 0, 0, 0]]
    added = conditioning.condition_tokens(tokens, weights).embeddings - tokens.embeddings
    wanted = (conditioning.table[0] + conditioning.table[4]) / 2
    assert (added - wanted).abs().max() < 1e-6  # padding too


def test_the_report_draws_its_embeddings_from_the_standard_normal():
    """Inside of a model of transformers they would be drawn with another scale."""
    drawn = torch.cat(
        [make_model(emotions=REPORT_EMOTIONS, seed=n).text.conditioning.table for n in range(20)]
    )
    assert drawn.std().item() == pytest.approx(1, abs=0.05)
    small = build("add").text.conditioning.table
    assert small.std().item() == pytest.approx(0.02, rel=0.2)


def test_no_emotion_is_no_nan_in_half_precision():
    conditioning = make_conditioning(REPORT_EMOTIONS, 32).half()
    assert torch.isfinite(conditioning.embed_emotions(conditioning.weigh_emotions(NONE.half()))).all()


def test_soft_weights_scale_and_never_exceed_the_mean():
    conditioning = make_conditioning(EmotionConfig(conditioning="add", weighting="soft", init_std=1), 32)
    weak, strong = (conditioning.weigh_emotions(torch.eye(8)[:1] * w) for w in (0.25, 4.0))
    assert (conditioning.embed_emotions(weak) - conditioning.table[0] / 4).abs().max() < 1e-6
    assert (conditioning.embed_emotions(strong) - conditioning.table[0]).abs().max() < 1e-6


def test_dropout_leaves_out_whole_texts_in_training_alone():
    conditioning = make_conditioning(EmotionConfig(conditioning="add", dropout=0.4), 32)
    many = JOY_AND_FEAR.expand(2000, 8)
    torch.manual_seed(0)
    kept = conditioning.train().weigh_emotions(many).sum(1)
    assert set(kept.tolist()) == {0.0, 2.0}
    assert (kept > 0).float().mean().item() == pytest.approx(0.6, abs=0.05)
    assert (conditioning.eval().weigh_emotions(many).sum(1) == 2).all()


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_learns_once_the_gate_is_open(form):
    torch.manual_seed(0)
    ids, mask = make_texts()
    model = build(form)
    _open_gates(model)
    features = model.train().text(ids, mask, SOME)
    features.mul(torch.randn(features.shape[1])).sum().backward()
    conditioning = model.text.conditioning
    assert [n for n, p in conditioning.named_parameters() if p.grad is None or not p.grad.any()] in (
        [],
        ["attention.in_proj_bias"],  # a constant of the keys moves no softmax
    )


def test_a_closed_gate_can_open():
    ids, mask = make_texts()
    model = build("gated-output")
    model.text(ids, mask, SOME).square().sum().backward()
    assert model.text.conditioning.gate.grad != 0


def test_columns_of_another_number_are_refused():
    ids, mask = make_texts()
    with pytest.raises(ValueError, match=r"emotions must be \(b, 8\), not \(3, 6\)"):
        build("add").text(ids, mask, torch.zeros(3, 6))


def test_every_form_of_the_configuration_is_there():
    assert set(FORMS) == set(get_args(Conditioning)) - {"none"}
    assert make_conditioning(EmotionConfig(), 32) is None


@pytest.mark.parametrize(
    "bad",
    [
        {"conditioning": "shout"},
        {"weighting": "x"},
        {"dropout": 1.0},
        {"init_std": -1.0},
        {"order": ("a", "a")},
    ],
)
def test_configurations_that_cannot_be(bad):
    with pytest.raises(ValueError):
        EmotionConfig(**bad)


def _open_gates(model):
    for name, value in model.text.conditioning.named_parameters():
        with torch.no_grad():
            if name == "gate" or name.endswith("out_proj.weight"):
                value.copy_(torch.ones_like(value) if name == "gate" else torch.eye(len(value)))
            elif not value.any() and name in ("table", "readout.weight"):
                value.normal_()
            elif name == "projection.weight":
                value[:, len(value) :] = torch.eye(len(value))
