"""Released checkpoints are read whole or refused; models survive a file."""

import numpy as np
import pytest
import torch
from clip_factory import make_clip, make_model, make_texts, make_videos

from encoders.base import AffectError
from encoders.clipvip.checkpoint_keys import load_released_weights
from encoders.clipvip.config import REPORT_EMOTIONS, ClipVipConfig, EmotionConfig
from encoders.clipvip.io import WEIGHTS_FILE, load_checkpoint, load_clip, load_model, save_model

REVERSED = EmotionConfig(conditioning="add", init_std=0.5, order=EmotionConfig().order[::-1])


def make_released(kind):
    """The weights of a released file of a kind, by their names there."""
    weights = {name: torch.randn_like(value) for name, value in make_clip(5).state_dict().items()}
    weights |= {
        f"{tower}_model.embeddings.position_ids": torch.arange(4)[None] for tower in ("text", "vision")
    }
    if kind == "clip":
        return weights
    weights["vision_model.embeddings.added_cls"] = torch.randn(3, 32)
    weights["vision_model.embeddings.temporal_embedding"] = torch.randn(1, 12, 32)
    if kind == "report":
        weights["text_model.embeddings.emotion_embedding.weight"] = torch.randn(8, 32)
    return {f"clipmodel.{name}": value for name, value in weights.items()}


@pytest.mark.parametrize(
    ("kind", "emotions", "new"),
    [
        ("clip", EmotionConfig(), {"video.added_proxies", "video.temporal_embedding"}),
        ("clip-vip", EmotionConfig(), set()),
        ("clip-vip", REPORT_EMOTIONS, {"text.conditioning.table"}),
        ("report", REPORT_EMOTIONS, set()),
    ],
)
def test_every_weight_of_a_released_file_is_read(kind, emotions, new, tmp_path):
    released = make_released(kind)
    torch.save(released, tmp_path / "file.pt")
    model = make_model(emotions=emotions)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loaded = load_checkpoint(model, tmp_path / "file.pt")
    assert set(loaded.new_names) == new and loaded.count == len(released)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == set(before) - new
    table = released.get("clipmodel.text_model.embeddings.emotion_embedding.weight")
    if table is not None:
        assert torch.equal(model.text.conditioning.table, table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clipmodel.text_model.extra": torch.zeros(1)}, "no place for 1 weights: text.text_model.extra"),
        ({"clipmodel.head.weight": torch.zeros(1)}, "1 of 405 weights are not known: clipmodel.head.weight"),
        ({"clipmodel.logit_scale": None}, "1 weights are missing: logit_scale"),
        ({"clipmodel.vision_model.embeddings.added_cls": None}, "1 weights are missing: video.added_proxies"),
        (
            {"clipmodel.vision_model.embeddings.added_cls": torch.zeros(3, 16)},
            r"1 weights have another shape: video.added_proxies \(3, 16\), not \(3, 32\)",
        ),
        (
            {"clipmodel.text_model.embeddings.emotion_embedding.weight": torch.zeros(8, 32)},
            "no place for 1 weights: text.conditioning.table",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_whole(change, message, tmp_path):
    weights = {name: v for name, v in {**make_released("clip-vip"), **change}.items() if v is not None}
    torch.save(weights, tmp_path / "file.pt")
    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(AffectError, match=message.replace("405", str(len(weights)))) as raised:
        load_checkpoint(model, tmp_path / "file.pt")
    assert str(raised.value).startswith(str(tmp_path / "file.pt"))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_weights_of_another_model_are_refused():
    with pytest.raises(AffectError, match="2 of 2 weights are not known: conv, head"):
        load_released_weights(make_model(), {"conv": torch.zeros(1), "head": torch.zeros(1)})


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut short"])
def test_what_is_no_checkpoint_is_one_line(content, tmp_path):
    (tmp_path / "file.pt").write_bytes(content)
    with pytest.raises(AffectError) as raised:
        load_checkpoint(make_model(), tmp_path / "file.pt")
    assert "file.pt" in str(raised.value)


def test_a_model_survives_its_file(tmp_path):
    ids, mask = make_texts()
    emotions, videos = torch.eye(8)[:3], make_videos()
    model = make_model(emotions=REVERSED, affect_dim=2)
    save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.config == model.config and again.config.emotions.order == REVERSED.order
    assert torch.equal(again.encode_text(ids, mask, emotions), model.encode_text(ids, mask, emotions))
    assert torch.equal(again.encode_video(videos), model.encode_video(videos))
    assert not again.training


def test_a_damaged_file_is_one_line(tmp_path):
    path = save_model(make_model(), tmp_path)
    content = path.read_bytes()
    for broken in (b"", content[:100], content[: len(content) // 2], b"x" * 1000):
        path.write_bytes(broken)
        with pytest.raises(AffectError, match=f"{WEIGHTS_FILE}: no CLIP-ViP model"):
            load_model(tmp_path)
    path.unlink()
    with pytest.raises(AffectError, match="no CLIP-ViP model"):
        load_model(tmp_path)


def test_a_file_of_something_else_is_one_line(tmp_path):
    from encoders import write_safetensors

    write_safetensors(tmp_path / WEIGHTS_FILE, {"rows": np.zeros((2, 2), np.float32)})
    with pytest.raises(AffectError, match="not a CLIP-ViP configuration"):
        load_model(tmp_path)


def test_clip_is_loaded_from_a_folder_of_transformers(tmp_path):
    clip = make_clip(3)
    clip.save_pretrained(tmp_path)
    model = load_clip(tmp_path, added_proxies=0).eval()
    ids, mask = make_texts()
    wanted = clip.get_text_features(ids, attention_mask=mask).pooler_output
    assert torch.allclose(model.text(ids, mask), wanted, atol=1e-5)
    assert model.logit_scale.item() == pytest.approx(4.60)
    with pytest.raises(AffectError, match="no CLIP model"):
        load_clip(tmp_path / "elsewhere")


def test_a_clip_that_lacks_weights_is_refused(tmp_path):
    """transformers would draw them at random."""
    from safetensors.torch import load_file, save_file

    make_clip(3).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["text_model.strange"] = weights.pop("text_projection.weight")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        AffectError, match=r"2 are missing or not known: text_model\.strange, text_projection"
    ):
        load_clip(tmp_path)


def test_what_is_new_is_never_memory_that_was_not_set(tmp_path):
    """transformers leaves parameters that a file lacks as they were allocated."""
    make_clip().save_pretrained(tmp_path)
    model = load_clip(tmp_path, emotions=REPORT_EMOTIONS)
    for value in (model.video.added_proxies, model.text.conditioning.table):
        assert torch.isfinite(value).all() and 0.5 < value.std() < 1.5
    assert not model.video.temporal_embedding.any()


def test_a_configuration_survives_json():
    config = ClipVipConfig(clip={"projection_dim": 4}, emotions=REVERSED, affect_dim=3)
    assert ClipVipConfig.from_json(config.to_json()) == config
    with pytest.raises(AffectError, match="not a CLIP-ViP configuration"):
        ClipVipConfig.from_json({**config.to_json(), "speed": 3})
