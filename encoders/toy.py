"""Tiny deterministic encoders without weights: for contract tests, and to try the engine in an instant."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoders.base import Card, Frames, Rows, Sense, Sound

DIM = 16


@dataclass(frozen=True)
class Toy:
    """Frames: mean colour per quarter; sound: energy per band; text: hashed words. 16 numbers each."""

    card: Card

    def encode(self, items: Sequence[Frames | Sound | str]) -> Rows:
        """Rows (n, 16)."""
        rows = [_row(item) for item in items]
        return np.stack(rows) if rows else np.empty((0, DIM), np.float32)


def _row(item: Frames | Sound | str) -> Rows:
    if isinstance(item, str):
        return _words(item)
    return _bands(item) if isinstance(item, Sound) else _colours(item)


def _words(text: str) -> Rows:
    row = np.zeros(DIM, np.float32)
    for word in text.lower().split():
        digest = hashlib.blake2b(word.encode(), digest_size=DIM).digest()
        row += np.frombuffer(digest, np.uint8).astype(np.float32) / 127.5 - 1
    return row if row.any() else np.full(DIM, np.nan, np.float32)


def _bands(sound: Sound) -> Rows:
    if not np.any(np.abs(sound.samples) > 1e-4):
        return np.full(DIM, np.nan, np.float32)
    power = np.abs(np.fft.rfft(sound.samples)) ** 2
    return np.array([band.mean() if len(band) else 0 for band in np.array_split(power, DIM)], np.float32)


def _colours(frames: Frames) -> Rows:
    h, w = max(frames.shape[1] // 2, 1), max(frames.shape[2] // 2, 1)
    quarters = [
        frames[:, y : y + h, x : x + w] for y in (0, frames.shape[1] - h) for x in (0, frames.shape[2] - w)
    ]
    colours = [q.reshape(-1, 3).mean(axis=0) / 255 for q in quarters]
    return np.concatenate([*colours, np.ones(DIM - 12)]).astype(np.float32)


def _card(name: str, sense: Sense, rate: int | None = None) -> Card:
    return Card(name=name, sense=sense, dim=DIM, licence="Apache-2.0", weights="none", data="none", rate=rate)


def frames() -> Toy:
    """Frames to mean colours."""
    return Toy(_card("toy-frames", "frames"))


def sound() -> Toy:
    """Sound to band energies; abstains on silence."""
    return Toy(_card("toy-sound", "sound", rate=16000))


def text() -> Toy:
    """Words to hashed signs; abstains on empty text."""
    return Toy(_card("toy-text", "text"))
