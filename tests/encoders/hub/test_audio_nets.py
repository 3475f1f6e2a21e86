"""The spectrogram transformer: the same loading code on a tiny random copy."""

import numpy as np
from hub_models import SILENCE, check, noise

from encoders.hub import audio_nets


def test_audioset_contract(folders):
    import torch
    from transformers import ASTForAudioClassification

    encoder = audio_nets.load_spectrogram_transformer(folders / audio_nets.NAME)
    sound = noise(5, rate=16000)
    rows = check(encoder, [sound, noise(21, seed=1)], SILENCE)
    with torch.inference_mode():
        model = ASTForAudioClassification.from_pretrained(encoder.folder).eval()
        wanted = model(torch.from_numpy(encoder.compute_spectrograms(sound))).logits[0].numpy()
    assert np.allclose(encoder.logits(rows)[0], wanted, atol=1e-3)
    assert encoder.classes == tuple(f"LABEL_{i}" for i in range(7))
