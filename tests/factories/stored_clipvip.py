"""Tiny random CLIP-ViP models on disk, as `emotions train` writes them."""

import torch
from clip_factory import save_clip

from encoders.clipvip.config import EmotionConfig
from encoders.clipvip.io import load_clip, save_model


def save_stored_model(folder, words, *, emotions=None, seed=0):
    """The folder of a model with the tokenizer of some words; the same CLIP under a seed."""
    clip = save_clip(folder.with_name(f"clip-{folder.name}"), words, seed=seed)
    torch.manual_seed(seed)
    model = load_clip(clip, emotions=emotions or EmotionConfig())
    save_model(model, folder, clip)
    return folder
