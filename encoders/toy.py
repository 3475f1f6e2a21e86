"""Tiny deterministic encoders without weights: for contract tests, and to try the engine in an instant."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoders.base import Audio, EncoderCard, Frames, Modality, Rows

DIM = 16


@dataclass(frozen=True)
class ToyEncoder:
    """Frames: mean colour per quarter; sound: energy per band; text: hashed words. 16 numbers each."""

    card: EncoderCard

    def encode(self, items: Sequence[Frames | Audio | str]) -> Rows:
        """Rows (n, 16)."""
        rows = [_encode_item(item) for item in items]
        return np.stack(rows) if rows else np.empty((0, DIM), np.float32)


def _encode_item(item: Frames | Audio | str) -> Rows:
    if isinstance(item, str):
        return _hash_words(item)
    return _compute_band_energies(item) if isinstance(item, Audio) else _compute_mean_colours(item)


def _hash_words(text: str) -> Rows:
    row = np.zeros(DIM, np.float32)
    for word in text.lower().split():
        digest = hashlib.blake2b(word.encode(), digest_size=DIM).digest()
        row += np.frombuffer(digest, np.uint8).astype(np.float32) / 127.5 - 1
    return row if row.any() else np.full(DIM, np.nan, np.float32)


def _compute_band_energies(audio: Audio) -> Rows:
    if not np.any(np.abs(audio.samples) > 1e-4):
        return np.full(DIM, np.nan, np.float32)
    power = np.abs(np.fft.rfft(audio.samples)) ** 2
    return np.array([band.mean() if len(band) else 0 for band in np.array_split(power, DIM)], np.float32)


def _compute_mean_colours(frames: Frames) -> Rows:
    h, w = max(frames.shape[1] // 2, 1), max(frames.shape[2] // 2, 1)
    quarters = [
        frames[:, y : y + h, x : x + w] for y in (0, frames.shape[1] - h) for x in (0, frames.shape[2] - w)
    ]
    colours = [q.reshape(-1, 3).mean(axis=0) / 255 for q in quarters]
    return np.concatenate([*colours, np.ones(DIM - 12)]).astype(np.float32)


def _make_card(name: str, modality: Modality, sample_rate: int | None = None) -> EncoderCard:
    return EncoderCard(
        name=name,
        modality=modality,
        dim=DIM,
        licence="Apache-2.0",
        weights_source="none",
        training_data="none",
        sample_rate=sample_rate,
    )


def toy_frames() -> ToyEncoder:
    """Frames to mean colours."""
    return ToyEncoder(_make_card("toy-frames", "frames"))


def toy_sound() -> ToyEncoder:
    """Sound to band energies; abstains on silence."""
    return ToyEncoder(_make_card("toy-sound", "sound", sample_rate=16000))


def toy_text() -> ToyEncoder:
    """Words to hashed vectors; abstains on empty text."""
    return ToyEncoder(_make_card("toy-text", "text"))
