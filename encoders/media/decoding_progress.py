"""Progress of decoding one file, over several attempts if decoder processes crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from encoders.base import MediaError
from encoders.media.decoder_worker import OpenedFile
from encoders.media.segments import Segment, TrackName


@dataclass
class DecodingProgress:
    """How much of a file was decoded, and which parts can't be (`notes`)."""

    path: Path
    opened: OpenedFile | None = None
    crash_error: MediaError | None = None  # of the first decoder process
    notes: list[str] = field(default_factory=list)
    untried_tracks: list[TrackName] = field(default_factory=lambda: ["sound", "pictures"])
    _last_passed_start: float = -1.0  # seconds; start of the last segment that was passed on

    def record_opened(self, opened: OpenedFile) -> OpenedFile | None:
        """Record the file's metadata; None if that was done before."""
        is_first, self.opened = self.opened is None, opened
        self._add_note(opened.probe.incomplete_reason)
        return opened if is_first else None

    def record_segment(self, segment: Segment) -> bool:
        """Record a segment; False for one that was passed on before the crash."""
        self._add_note(segment.incomplete_reason)
        start = segment.start or 0.0
        is_new, self._last_passed_start = start > self._last_passed_start, max(start, self._last_passed_start)
        return is_new

    def select_track_to_skip(self, crash_error: MediaError) -> TrackName | None:
        """The track of a film to skip after a crash; None if no track is left to try."""
        probe = self.opened and self.opened.probe
        if not (
            probe
            and probe.modality == "video"
            and probe.sample_rate
            and crash_error.is_permanent
            and self.untried_tracks
        ):
            return None
        self.crash_error = self.crash_error or crash_error
        skipped_track = self.untried_tracks.pop(0)
        self.notes = [f"its {skipped_track} can't be decoded: {self.crash_error.reason}"]
        return skipped_track

    def _add_note(self, incomplete_reason: str | None) -> None:
        if incomplete_reason and incomplete_reason not in self.notes:
            self.notes.append(incomplete_reason)
