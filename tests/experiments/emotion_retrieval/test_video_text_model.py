"""CLIP-ViP as it is trained."""

import math

import numpy as np
import pytest
import torch
from clip_factory import SIDE, make_model, make_texts

from encoders.clipvip.config import EmotionConfig
from encoders.clipvip.frame_sampling import make_pixels
from experiments.emotion_retrieval.data.video_pairs import VideoPairs
from experiments.emotion_retrieval.training.train_command import DECAY_RULE_NAMES
from experiments.emotion_retrieval.training.video_text_model import (
    DECAY_RULES,
    LogitScaleInfoNCE,
    VideoTextModel,
    group_parameters,
    standardise_pixels,
)
from losses import InfoNCE
from spaces.joint import Schedule, Trainer

GATED = EmotionConfig(conditioning="gated-output")


def make_pairs(affect=None):
    """Three videos with a text each."""
    ids, mask = (tensor.numpy() for tensor in make_texts())
    rng = np.random.default_rng(0)
    return VideoPairs(
        video_ids=("a", "b", "c"),
        frames=tuple(rng.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8) for count in (1, 15, 40)),
        token_ids=ids, token_mask=mask, emotions=np.eye(3, 8, dtype=np.float32),
        item_by_text=np.arange(3), affect=affect,
    )  # fmt: skip


def test_pixels_are_those_of_the_encoder():
    frames = np.random.default_rng(1).integers(0, 256, (2, 5, SIDE, SIDE, 3), np.uint8)
    pixels = standardise_pixels(torch.from_numpy(frames)).numpy()
    np.testing.assert_allclose(pixels, np.stack([make_pixels(video, SIDE) for video in frames]), atol=1e-6)


def test_a_set_is_encoded_as_the_model_encodes_it():
    pairs, clip_vip = make_pairs(), make_model(emotions=GATED)
    texts, videos = VideoTextModel(clip_vip).encode(pairs, chunk=2)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    pixels = torch.from_numpy(
        make_pixels(pairs.frames[1][np.floor(np.linspace(0, 14, 12)).astype(int)], SIDE)
    )
    with torch.no_grad():
        row = clip_vip.encode_video(pixels[None])[0].numpy()
        ids, mask = make_texts()
        text_rows = clip_vip.encode_text(ids, mask, torch.from_numpy(pairs.emotions)).numpy()
    np.testing.assert_allclose(videos[1], row, atol=1e-5)
    np.testing.assert_allclose(texts, text_rows, atol=1e-5)


def test_affect_reaches_the_video_side():
    affect = np.array([[0.5, 0.1], [np.nan, np.nan], [0.2, np.nan]], np.float32)
    clip_vip = make_model(affect_dim=2)
    with torch.no_grad():
        clip_vip.video.affect_residual.gate.fill_(1)
    _, plain = VideoTextModel(clip_vip).encode(make_pairs())
    _, videos = VideoTextModel(clip_vip).encode(make_pairs(affect))
    moved = np.abs(videos - plain).max(axis=1) > 1e-4
    assert moved.tolist() == [True, False, True] and np.isfinite(videos).all()


def test_bfloat16_is_near_float32_and_its_rows_are_unit_rows():
    pairs, clip_vip = make_pairs(), make_model(emotions=GATED)
    exact = VideoTextModel(clip_vip).encode(pairs)
    for rows, wanted in zip(VideoTextModel(clip_vip, bfloat16=True).encode(pairs), exact, strict=True):
        assert rows.dtype == np.float32 and not np.array_equal(rows, wanted)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose((rows * wanted).sum(axis=1), 1, atol=0.01)


def test_the_temperature_is_the_models_own_and_stays_in_its_bounds():
    clip_vip = make_model()
    loss = LogitScaleInfoNCE(clip_vip.logit_scale)
    similarity = torch.randn(4, 4, generator=torch.Generator().manual_seed(0)) / 10
    assert loss(similarity).item() == pytest.approx(InfoNCE(temperature=math.exp(-4.60))(similarity).item())
    loss(similarity).backward()
    assert clip_vip.logit_scale.grad.item() != 0
    for start, end in ((9.0, math.log(200)), (-1.0, 0.0)):
        with torch.no_grad():
            clip_vip.logit_scale.fill_(start)
        loss(similarity)
        assert clip_vip.logit_scale.item() == pytest.approx(end)


def test_the_dual_softmax_loss_is_the_released_one():
    similarity = torch.randn(5, 5, generator=torch.Generator().manual_seed(3)) / 5
    clip_vip = make_model()
    logits = similarity * clip_vip.logit_scale.exp()
    labels = torch.arange(5)
    wanted = sum(
        torch.nn.functional.cross_entropy(side * side.softmax(dim=0), labels) for side in (logits, logits.T)
    )
    loss = LogitScaleInfoNCE(clip_vip.logit_scale, dual_softmax=True)
    assert loss(similarity).item() == pytest.approx(wanted.item(), rel=1e-5)


def group_by_name(module, **options):
    """By name of a parameter, its group."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = group_parameters(module, **options)
    assert sum(len(group["params"]) for group in groups) == len(names)
    return {
        names[id(parameter)].removeprefix("clip_vip."): group
        for group in groups
        for parameter in group["params"]
    }


NORM_GAIN = "video.vision_model.encoder.layers.0.layer_norm1.weight"
TOKENS = "text.text_model.embeddings.token_embedding.weight"
PATCHES = "video.vision_model.embeddings.patch_embedding.weight"
BIAS = "text.text_model.encoder.layers.1.mlp.fc1.bias"
UNDECAYED = {NORM_GAIN, TOKENS, BIAS, "logit_scale", "video.added_proxies", "video.temporal_embedding",
             "text.conditioning.table", "text.conditioning.gate"}  # fmt: skip


def test_what_is_no_matrix_of_a_layer_is_not_decayed():
    group = group_by_name(VideoTextModel(make_model(emotions=GATED)))
    for name in UNDECAYED:
        assert group[name]["weight_decay"] == 0, name
    for name in (PATCHES, "video.projection.weight", "text.conditioning.linear.weight"):
        assert "weight_decay" not in group[name], name
    assert all(entry["betas"] == (0.9, 0.98) and entry["eps"] == 1e-6 for entry in group.values())


def test_the_released_rule_decays_gains_and_tables():
    group = group_by_name(VideoTextModel(make_model(emotions=GATED)), decay_rule="clip-vip")
    undecayed = {name for name, entry in group.items() if "weight_decay" in entry}
    assert {BIAS, "logit_scale"} <= undecayed and not undecayed & {
        NORM_GAIN,
        TOKENS,
        "text.conditioning.table",
    }


def test_the_command_knows_every_rule():
    assert tuple(DECAY_RULES) == DECAY_RULE_NAMES


def test_new_parameters_have_a_rate_of_their_own():
    model = VideoTextModel(make_model(emotions=GATED, affect_dim=2))
    group = group_by_name(model, new_rate_factor=10.0)
    new = {name for name, entry in group.items() if entry.get("rate_factor") == 10.0}
    assert new == {
        name for name in group if name.startswith(("text.conditioning.", "video.affect_residual."))
    }
    group = group_by_name(model, new_rate_factor=10.0, is_clip_vip=False)
    assert (
        group["video.added_proxies"]["rate_factor"] == group["video.temporal_embedding"]["rate_factor"] == 10
    )


def test_training_moves_every_weight_and_the_temperature():
    pairs, clip_vip = make_pairs(), make_model(emotions=GATED)
    before = {name: value.clone() for name, value in clip_vip.state_dict().items()}
    model = VideoTextModel(clip_vip)
    schedule = Schedule(epochs=3, batch=3, rate=1e-2, decay="cosine", weight_decay=0.2, clip=1.0)
    loss = LogitScaleInfoNCE(clip_vip.logit_scale)
    history = Trainer(
        model=model, training_set=pairs, loss=loss, schedule=schedule, seed=0,
        group_parameters=lambda module: group_parameters(module, new_rate_factor=10),
    ).run()  # fmt: skip
    assert history.epochs[-1].loss < history.epochs[0].loss
    still = {name for name, value in clip_vip.state_dict().items() if torch.equal(value, before[name])}
    assert still <= {"text.text_model.embeddings.position_ids"}
