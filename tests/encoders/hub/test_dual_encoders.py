"""Towers of pictures, sound and text: the same loading code on tiny random copies."""

import shutil

import numpy as np
import pytest
from hub_models import SILENCE, check, noise, picture
from safetensors.numpy import load_file, save_file

from encoders.base import AffectError, is_missing_row
from encoders.hub import clip_clap
from encoders.hub.dual_encoders import load_dual_encoder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "items", "silent"),
    [
        (clip_clap.CLIP, [picture(), picture(t=3, h=300, w=200, seed=1)], picture(t=0)),
        (clip_clap.CLAP, [noise(1), noise(16, seed=1), noise(3, rate=22050, seed=2)], SILENCE),
    ],
    ids=["clip", "clap"],
)
def test_towers_contract(folders, pair, items, silent):
    encoder = load_dual_encoder(pair, folders / pair.name)
    check(encoder, items, silent)
    texts = ["a photo of the dog", "cat", " ", "the sound of a dog " * 9]
    rows = encoder.encode_text(texts)
    assert rows.shape == (4, encoder.card.dim) == (4, 24) and rows.dtype == np.float32
    assert is_missing_row(rows).tolist() == [False, False, True, False]
    alone = np.concatenate([encoder.encode_text([text]) for text in texts])
    assert np.allclose(rows, alone, atol=1e-4, equal_nan=True)
    assert np.allclose(np.linalg.norm(rows[[0, 1, 3]], axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_pictures_go_in_as_clip_itself_takes_them(folders):
    import torch
    from transformers import CLIPImageProcessor, CLIPModel

    frames = picture(t=1, h=100, w=80)
    folder = folders / clip_clap.CLIP.name
    encoder = load_dual_encoder(clip_clap.CLIP, folder)
    with torch.inference_mode():
        pixels = CLIPImageProcessor.from_pretrained(folder)(images=frames[0], return_tensors="pt")
        wanted = (
            CLIPModel.from_pretrained(folder).eval().get_image_features(**pixels).pooler_output[0].numpy()
        )
    assert np.allclose(encoder.encode([frames])[0], wanted / np.linalg.norm(wanted), atol=1e-3)


def test_a_folder_that_lacks_weights_is_refused(folders, tmp_path):
    """transformers would draw them at random."""
    folder = shutil.copytree(folders / clip_clap.CLIP.name, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(AffectError, match=r"not the weights of a CLIPModel: lacks 1, such as visual_proj"):
        load_dual_encoder(clip_clap.CLIP, folder).encode([picture()])
