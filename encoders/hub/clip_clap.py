"""Words and media in one space: CLIP for pictures (Radford et al. 2021), CLAP for sound (Wu et al. 2023)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from encoders.base import Frames, Sound
from encoders.hub.dual_encoders import Pair, Prepare, Towers, towers
from encoders.hub.weights import model_folder
from encoders.logmel import Array, at_rate, audible, windows

CLAP_RATE = 48000  # Hz


def picture_inputs(folder: Path) -> Prepare:
    """Frames to pixels (t, 3, side, side), by transformers' own image processor."""
    from transformers import CLIPImageProcessor

    process = CLIPImageProcessor.from_pretrained(folder, local_files_only=True)

    def prepare(frames: Frames) -> Array | None:
        if not len(frames):
            return None
        pixels = process(images=list(frames), return_tensors="pt")["pixel_values"]
        return np.asarray(pixels.numpy(), np.float32)

    return prepare


def sound_inputs(folder: Path) -> Prepare:
    """Sound to log-mel pictures (windows, 1, frames, bands), by transformers' own feature extractor.

    Cut into windows of its longest length first: left to itself it takes a random piece of a long sound.
    """
    from transformers import ClapFeatureExtractor

    extract = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)

    def prepare(sound: Sound) -> Array | None:
        if not audible(sound):
            return None
        parts = windows(at_rate(sound, extract.sampling_rate), extract.nb_max_samples)
        made = extract(parts, sampling_rate=extract.sampling_rate, return_tensors="np")
        return np.asarray(made["input_features"], np.float32)

    return prepare


def two_frames() -> Frames:
    """Noise, for tracing."""
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)


def two_windows() -> Sound:
    """20 s of noise, for tracing."""
    return Sound(samples=np.random.default_rng(0).random(20 * CLAP_RATE, np.float32), rate=CLAP_RATE)


CLIP = Pair(
    name="clip-vit-base-patch32",
    repo="openai/clip-vit-base-patch32",
    sense="frames",
    licence="MIT",
    data="400 million pictures with texts from the web, not published",
    model="CLIPModel",
    media="get_image_features",
    prepare=picture_inputs,
    trial=two_frames,
)

CLAP = Pair(
    name="clap-htsat-unfused",
    repo="laion/clap-htsat-unfused",
    sense="sound",
    licence="Apache-2.0",
    data="LAION-Audio-630K, AudioSet",
    model="ClapModel",
    media="get_audio_features",
    prepare=sound_inputs,
    trial=two_windows,
    rate=CLAP_RATE,
)


def clip_vit_base_patch32() -> Towers:
    """OpenAI's CLIP ViT-B/32, 512-d. Raises MissingBackend where it isn't on this machine."""
    return towers(CLIP, model_folder(CLIP.name, CLIP.repo))


def clap_htsat_unfused() -> Towers:
    """LAION's CLAP, 512-d. Raises MissingBackend where it isn't on this machine."""
    return towers(CLAP, model_folder(CLAP.name, CLAP.repo))
