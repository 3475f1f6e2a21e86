"""How far a file was read by decoder processes, over several attempts if they die of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from encoders.base import BadMedia
from encoders.media.decoder_worker import Opened
from encoders.media.segments import Segment, Track


@dataclass
class FileReading:
    """How far a file was read, and what of it can't be (`notes`)."""

    path: Path
    opened: Opened | None = None
    death: BadMedia | None = None  # of the first decoder process
    notes: list[str] = field(default_factory=list)
    untried: list[Track] = field(default_factory=lambda: ["sound", "pictures"])
    _passed: float = -1.0  # seconds at which the last segment that was passed on begins

    def open(self, opened: Opened) -> Opened | None:
        """Note what the file holds; None if that is known."""
        first, self.opened = self.opened is None, opened
        self._note(opened.probe.incomplete)
        return opened if first else None

    def add(self, segment: Segment) -> bool:
        """Note a segment; False for one that was passed on before the decoder died."""
        self._note(segment.incomplete)
        start = segment.start or 0.0
        new, self._passed = start > self._passed, max(start, self._passed)
        return new

    def leave_out(self, death: BadMedia) -> Track | None:
        """The track of a film to do without after its decoder died; None if that is no help."""
        probe = self.opened and self.opened.probe
        if not (probe and probe.modality == "video" and probe.rate and death.lasting and self.untried):
            return None
        self.death = self.death or death
        without = self.untried.pop(0)
        self.notes = [f"its {without} can't be decoded: {self.death.reason}"]
        return without

    def _note(self, incomplete: str | None) -> None:
        if incomplete and incomplete not in self.notes:
            self.notes.append(incomplete)
