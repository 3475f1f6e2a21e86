"""A library of the preset hub, with tiny copies of CLIP and CLAP that know two words."""

import json

import numpy as np
import pytest
from command_process import command_process
from hub_models import save_clap, save_clip, teach
from library_factory import painted
from media_factory import float_wav
from PIL import Image

from encoders.base import Audio
from encoders.hub import clip_clap

RATE = 48000
ANIMALS = ("dog", "cat")
NO_NETWORK = """
import socket
def refuse(*address): raise AssertionError(f"connects to {address}")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""


def make_sound(name):
    """A steady tone for a dog, beeps for a cat, float (n,)."""
    times = np.arange(2 * RATE) / RATE
    wave = {
        "dog": np.sin(2 * np.pi * 300 * times),
        "cat": np.sin(2 * np.pi * 4000 * times) * (times % 0.4 < 0.2),
    }
    return 0.3 * wave[name]


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    for seed, name in enumerate(ANIMALS):
        painted(folder / f"{name}.png", seed)
        float_wav(folder / f"{name}.wav", make_sound(name), RATE)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory, media):
    """Folders by encoder, as $AFFECT_MODELS names them."""
    import torch

    folder = tmp_path_factory.mktemp("models")
    clip, clap = (folder / spec.name for spec in (clip_clap.CLIP, clip_clap.CLAP))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_clip(clip)
        save_clap(clap)
    look, listen = clip_clap.load_image_preprocessor(clip), clip_clap.load_audio_preprocessor(clap)
    pixels = [look(np.array(Image.open(media / f"{name}.png"))[None]) for name in ANIMALS]
    teach(
        clip,
        "CLIPModel",
        {"pixel_values": torch.from_numpy(np.concatenate(pixels))},
        [f"a photo of a {name}" for name in ANIMALS],
    )
    heard = [listen(Audio(samples=make_sound(name).astype(np.float32), sample_rate=RATE)) for name in ANIMALS]
    teach(
        clap,
        "ClapModel",
        {"input_features": torch.from_numpy(np.concatenate(heard))},
        [f"the sound of a {name}" for name in ANIMALS],
    )
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_words_find_pictures_and_sounds_through_two_towers(tmp_path, media, models, monkeypatch):
    monkeypatch.setenv("AFFECT_MODELS", str(models))
    library = tmp_path / "library"
    with command_process(tmp_path, "no_network", NO_NETWORK) as affect:
        code, report, _ = affect("encoders", "--check", "--json")
        states = {preset["name"]: preset["state"] for preset in json.loads(report)["presets"]}
        assert code == 0 and states == {"packaged": "ready", "hub": "ready"}
        code, _, error = affect(
            "index", media, "-l", library, "--preset", "hub", "--encoders", "activity=,tone=,faces="
        )
        assert code == 0, error
        for name in ANIMALS:
            for modality, ending, space, words in (
                ("image", "png", "object", f"a photo of a {name}"),
                ("audio", "wav", "audio", f"the sound of a {name}"),
            ):
                code, found, error = affect(
                    "search", words, "-l", library, "--modalities", modality, "--json"
                )
                assert code == 0, error
                first, second = json.loads(found)["results"]
                assert first["path"].endswith(f"{name}.{ending}") and first["spaces"][space] == first["score"]
                assert 1 > first["score"] > second["score"] > 0
        code, _, error = affect("index", media, "-l", library)  # goes on with the library's encoders
        assert code == 0, error
        code, _, error = affect("index", media, "-l", library, "--preset", "packaged")
        assert code == 2 and "leave --preset and --encoders out" in error
