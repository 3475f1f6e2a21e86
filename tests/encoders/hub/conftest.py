"""A machine without weights, and tiny random copies of the models saved to disk."""

import pytest
from hub_models import save_ast, save_clap, save_clip, save_multilingual

from encoders.hub import audio_nets, clip_clap, multilingual


@pytest.fixture(scope="module", autouse=True)
def empty_machine(tmp_path_factory):
    """No weights in any cache, no exported network of another test, no network."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        for name in ("AFFECT_CACHE", "TORCH_HOME", "AFFECT_MODELS"):
            patch.setenv(name, str(home / name.lower()))
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hf"))
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield home


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("models")
    for name, save in {
        clip_clap.CLIP.name: save_clip,
        clip_clap.CLAP.name: save_clap,
        audio_nets.NAME: save_ast,
        multilingual.NAME: save_multilingual,
    }.items():
        save(root / name)
    return root
