"""Where weights are found, and what is said where they are absent or broken."""

from pathlib import Path

import pytest

from encoders.base import Audio, MissingBackendError
from encoders.hub import audio_nets, clip_clap, multilingual, torchvision_nets, video_nets
from encoders.hub import weights as weights_module

FACTORIES = {
    "resnet152": torchvision_nets.resnet152,
    "vgg16": torchvision_nets.vgg16,
    "x3d-m": video_nets.x3d_m,
    "i3d-r50": video_nets.i3d_r50,
    "clip-vit-base-patch32": clip_clap.clip_vit_base_patch32,
    "clap-htsat-unfused": clip_clap.clap_htsat_unfused,
    "ast-audioset": audio_nets.ast_audioset,
    "multilingual-minilm": multilingual.multilingual_minilm,
}


@pytest.mark.parametrize("name", FACTORIES)
def test_missing_weights_say_what_to_run(name, empty_machine):
    with pytest.raises(MissingBackendError) as gone:
        FACTORIES[name]()
    message = str(gone.value)
    assert name in message and str(empty_machine / "affect_models" / name) in message
    assert "curl -L" in message or "hf download" in message


@pytest.mark.parametrize(
    "name", [clip_clap.CLIP.name, clip_clap.CLAP.name, audio_nets.NAME, multilingual.NAME]
)
def test_models_are_found_by_their_registry_name(name, folders, monkeypatch):
    monkeypatch.setenv("AFFECT_MODELS", str(folders))
    card = FACTORIES[name]().card
    assert card.name == name and len(card.sha256) == 64


def test_checkpoints_are_found_in_either_place(tmp_path, monkeypatch):
    import torch.hub

    assert weights_module.get_torch_checkpoints_dir() == Path(torch.hub.get_dir()) / "checkpoints"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = weights_module.get_torch_checkpoints_dir() / "resnet152-394f9c45.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"cached")
    assert torchvision_nets.resnet152().weights_path == cached
    monkeypatch.setenv("AFFECT_MODELS", str(tmp_path))
    placed = tmp_path / "resnet152.pth"
    placed.write_bytes(b"placed by hand")
    assert torchvision_nets.resnet152().weights_path == placed


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 cut short"])
def test_a_broken_download_is_named(tmp_path, content):
    (tmp_path / "resnet152.pth").write_bytes(content)
    with pytest.raises(MissingBackendError, match=r"resnet152\.pth is not a readable checkpoint"):
        weights_module.read_checkpoint(tmp_path / "resnet152.pth")


def test_a_checkpoint_never_runs_code(tmp_path):
    import torch

    torch.save({"model_state": Audio}, tmp_path / "evil.pth")
    with pytest.raises(MissingBackendError):
        weights_module.read_checkpoint(tmp_path / "evil.pth")
