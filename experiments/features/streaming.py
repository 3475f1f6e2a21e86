"""Encoding files while they are decoded: segments are batched across files, files given out when whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders.base import BadMedia, batched
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecoderPool, Failed, Finished, Part
from experiments.features.cache import Entry
from experiments.features.reading import EVERY, FIRST, joined
from retrieval.features.pipeline import Experts

BATCH = 32  # segments
JOBS = 2  # decoding processes

Media = tuple[Path, ...]
Entries = dict[str, Entry]  # by role


class Stream:
    """Encodes items by all media roles of some experts; what can't be read is told in `failed`."""

    def __init__(
        self, experts: Experts, sampling: Sampling, *, every: bool, failed: dict[Path, str],
        affect: bool = True,
    ) -> None:  # fmt: skip
        self._experts, self._sampling, self._failed, self._affect = experts, sampling, failed, affect
        self._reader = EVERY if every else FIRST
        self._waiting: list[Part] = []
        self._ended: list[Path] = []
        self._parts: dict[Path, list[Entries]] = {}

    def entries(self, wanted: Mapping[str, Media]) -> Iterator[tuple[str, Entries]]:
        """(name, entries by role) of named items as they are done: single files first, then picture clips."""
        yield from self._files({files[0]: name for name, files in wanted.items() if len(files) == 1})
        for chunk in batched([pair for pair in wanted.items() if len(pair[1]) > 1], BATCH):
            clips = {name: clip for name, files in chunk if (clip := self._joined(files))}
            yield from zip(clips, self._watched(list(clips.values())), strict=True)

    def _files(self, names: Mapping[Path, str]) -> Iterator[tuple[str, Entries]]:
        if not names:
            return
        with DecoderPool(JOBS, self._sampling, reader=self._reader) as pool:
            for event in pool.read(names):
                if isinstance(event, Failed):
                    self._drop(event)
                elif isinstance(event, Part):
                    self._waiting.append(event)
                elif isinstance(event, Finished):
                    self._ended.append(event.path)
                if len(self._waiting) >= BATCH:
                    yield from self._flushed(names)
            yield from self._flushed(names)

    def _drop(self, event: Failed) -> None:
        """Note why a file failed; what was read of it so far goes."""
        self._failed[event.path] = event.error.reason
        self._waiting = [part for part in self._waiting if part.path != event.path]
        self._parts.pop(event.path, None)

    def _flushed(self, names: Mapping[Path, str]) -> Iterator[tuple[str, Entries]]:
        """Encode all that waits; then every file that has ended is whole, and given out."""
        made = self._watched([part.segment for part in self._waiting])
        for part, entry in zip(self._waiting, made, strict=True):
            self._parts.setdefault(part.path, []).append(entry)
        ended, self._waiting, self._ended = self._ended, [], []
        for path in ended:
            if pieces := self._parts.pop(path, None):
                yield names[path], {role: _stacked([piece[role] for piece in pieces]) for role in pieces[0]}

    def _joined(self, files: Media) -> Segment | None:
        try:
            return joined(files, self._sampling)
        except BadMedia as bad:
            self._failed[bad.path] = bad.reason
            return None

    def _watched(self, segments: Sequence[Segment]) -> list[Entries]:
        """One entry of one row by role for each segment."""
        if not segments:
            return []
        frames, sounds = [s.frames for s in segments], [s.sound for s in segments]
        rows = self._experts.watch(frames, sounds, affect=self._affect)
        times = np.array([(s.start, s.end) for s in segments], np.float64)  # None becomes NaN
        return [
            {role: Entry(found[index : index + 1], times[index : index + 1]) for role, found in rows.items()}
            for index in range(len(segments))
        ]


def _stacked(pieces: Sequence[Entry]) -> Entry:
    return Entry(
        np.concatenate([piece.rows for piece in pieces]), np.concatenate([piece.times for piece in pieces])
    )
