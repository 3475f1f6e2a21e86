"""Optional dual encoders with text: CLIP (Radford et al. 2021) and CLAP for sound (Wu et al. 2023)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from encoders.base import Audio, Frames
from encoders.hub.dual_encoders import DualEncoder, DualEncoderSpec, Preprocessor, load_dual_encoder
from encoders.hub.weights import find_model_folder
from encoders.logmel import Array, is_audible, resample, split_windows

CLAP_SAMPLE_RATE_HZ = 48000  # Hz


def load_image_preprocessor(folder: Path) -> Preprocessor:
    """Preprocessor of frames to pixels (t, 3, side, side), by transformers' image processor."""
    from transformers import CLIPImageProcessor

    process = CLIPImageProcessor.from_pretrained(folder, local_files_only=True)

    def preprocess(frames: Frames) -> Array | None:
        if not len(frames):
            return None
        pixels = process(images=list(frames), return_tensors="pt")["pixel_values"]
        return np.asarray(pixels.numpy(), np.float32)

    return preprocess


def load_audio_preprocessor(folder: Path) -> Preprocessor:
    """Preprocessor of sound to log-mel spectrograms (windows, 1, frames, bands), by transformers' extractor.

    Sound is split into windows of the extractor's maximum length first: it would crop long sound randomly.
    """
    from transformers import ClapFeatureExtractor

    extract = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)

    def preprocess(audio: Audio) -> Array | None:
        if not is_audible(audio):
            return None
        windows = split_windows(resample(audio, extract.sampling_rate), extract.nb_max_samples)
        features = extract(windows, sampling_rate=extract.sampling_rate, return_tensors="np")
        return np.asarray(features["input_features"], np.float32)

    return preprocess


def make_noise_frames() -> Frames:
    """Noise, for tracing."""
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)


def make_noise_audio() -> Audio:
    """20 s of noise, for tracing."""
    return Audio(
        samples=np.random.default_rng(0).random(20 * CLAP_SAMPLE_RATE_HZ, np.float32),
        sample_rate=CLAP_SAMPLE_RATE_HZ,
    )


CLIP = DualEncoderSpec(
    name="clip-vit-base-patch32",
    repo="openai/clip-vit-base-patch32",
    modality="frames",
    licence="MIT",
    training_data="400 million pictures with texts from the web, not published",
    model_class="CLIPModel",
    media_method="get_image_features",
    load_preprocessor=load_image_preprocessor,
    make_example=make_noise_frames,
)

CLAP = DualEncoderSpec(
    name="clap-htsat-unfused",
    repo="laion/clap-htsat-unfused",
    modality="sound",
    licence="Apache-2.0",
    training_data="LAION-Audio-630K, AudioSet",
    model_class="ClapModel",
    media_method="get_audio_features",
    load_preprocessor=load_audio_preprocessor,
    make_example=make_noise_audio,
    sample_rate=CLAP_SAMPLE_RATE_HZ,
)


def clip_vit_base_patch32() -> DualEncoder:
    """OpenAI's CLIP ViT-B/32, 512-d. Raises MissingBackendError if it is missing."""
    return load_dual_encoder(CLIP, find_model_folder(CLIP.name, CLIP.repo))


def clap_htsat_unfused() -> DualEncoder:
    """LAION's CLAP, 512-d. Raises MissingBackendError if it is missing."""
    return load_dual_encoder(CLAP, find_model_folder(CLAP.name, CLAP.repo))
