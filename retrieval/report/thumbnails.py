"""Thumbnails for pages: a photo, the middle frame of a video segment, or the waveform of a sound.

They are the previews made at index time; only what lacks one is decoded.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from encoders import Frames
from encoders.media import (
    DecodedSegment,
    DecoderPool,
    Limits,
    Probe,
    Sampling,
    Segment,
    probe,
    read_segments_at,
)
from retrieval.previews import THUMBNAIL_SIDE_PX, PreviewStore, encode_jpeg, encode_thumbnail
from retrieval.storage import AnyLibrary

WAVEFORM_SIZE_PX = (320, 140)  # pixels
WAVEFORM_COLOUR = (79, 109, 245)
PALE_COLOUR = (185, 197, 246)  # of what lies outside the segment
BACKGROUND_COLOUR = (238, 241, 250)

Moment = tuple[Path, float]  # a file and the start of a segment of it in seconds; 0 for an image


@dataclass(frozen=True, kw_only=True)
class ItemMoment:
    """A moment of an item of a library: a segment of it, in seconds; without, a photo or the item as a whole.

    item_id: None for a file that is in no library
    """

    path: Path
    item_id: str | None = None
    start: float | None = None
    end: float | None = None

    @property
    def key(self) -> Moment:
        """As `make_thumbnails` has it."""
        return self.path, self.start or 0.0


@dataclass(frozen=True, kw_only=True)
class MomentSampling(Sampling):
    """Sampling of selected segments only, given by their starts in seconds by file."""

    starts_by_path: Mapping[Path, Sequence[float]]


def load_thumbnails(library: AnyLibrary, moments: Sequence[ItemMoment]) -> dict[Moment, str]:
    """JPEG thumbnails as data URIs; what has no preview is decoded, and left out where it can't be."""
    thumbnails: dict[Moment, str] = {}
    if library.own_folder is not None:
        with closing(PreviewStore.open(library.own_folder)) as store:
            previews = {moment.key: _load_preview(store, moment) for moment in moments}
        thumbnails = {key: _to_data_uri(jpeg) for key, jpeg in previews.items() if jpeg is not None}
    missing = [moment.key for moment in moments if moment.key not in thumbnails]
    return {**thumbnails, **(make_thumbnails(missing, library.segment_seconds) if missing else {})}


def _load_preview(store: PreviewStore, moment: ItemMoment) -> bytes | None:
    """JPEG of a moment; None where no preview shows it."""
    if moment.item_id is None:
        return None
    if moment.start is None or moment.end is None:
        image = store.load_image(moment.item_id, None)
    else:
        middle, half = (moment.start + moment.end) / 2, (moment.end - moment.start) / 2
        image = store.load_image(moment.item_id, middle, within=half)
    if image is not None:
        return image
    sound = store.load_peaks(moment.item_id)
    if sound is None or store.load_image(moment.item_id, None) is not None:
        return None
    peaks, duration = sound
    part = (0.0, 1.0)
    if moment.start is not None and moment.end is not None:
        part = moment.start / duration, moment.end / duration
    return encode_jpeg(draw_waveform(peaks.astype(np.float32), part))


def make_thumbnails(moments: Iterable[Moment], segment_seconds: float) -> dict[Moment, str]:
    """JPEG thumbnails as data URIs, by file and start, of segments of `segment_seconds` seconds.

    Every file is opened once, by a decoder process. Unreadable files are left out.
    """
    unsorted_starts: dict[Path, set[float]] = {}
    for path, start in moments:
        unsorted_starts.setdefault(path, set()).add(start)
    starts_by_path = {path: sorted(seconds) for path, seconds in unsorted_starts.items()}
    sampling = MomentSampling(
        segment_seconds=segment_seconds,
        max_frames=1,
        max_side=THUMBNAIL_SIDE_PX,
        starts_by_path=starts_by_path,
    )
    with DecoderPool(1, sampling, reader=f"{__name__}:read_moments") as pool:
        return {
            (event.path, event.segment.start or 0.0): _to_data_uri(_render_segment(event.segment))
            for event in pool.read(starts_by_path)
            if isinstance(event, DecodedSegment)
        }


def read_moments(path: Path, sampling: MomentSampling, limits: Limits) -> Iterator[Probe | Segment]:
    """Yield a file's probe, then its selected segments, as a DecoderPool's reader. Raises MediaError."""
    file_probe = probe(path, limits)
    yield file_probe
    yield from read_segments_at(path, file_probe, sampling.starts_by_path[path], sampling, limits)


def _render_segment(segment: Segment) -> bytes:
    if segment.frames is not None:
        return encode_thumbnail(segment.frames[0])
    if segment.audio is None:
        return encode_jpeg(Image.new("RGB", WAVEFORM_SIZE_PX, BACKGROUND_COLOUR))
    parts = np.array_split(np.abs(segment.audio.samples), WAVEFORM_SIZE_PX[0])
    return encode_jpeg(draw_waveform(np.array([part.max(initial=0) for part in parts], np.float32)))


def draw_waveform(peaks: npt.NDArray[np.float32], part: tuple[float, float] = (0.0, 1.0)) -> Image.Image:
    """Draw peak amplitudes (n,) over time as an image of 320 x 140 pixels.

    part: start and end, as shares of the time, of what is drawn in full colour
    """
    width, height = WAVEFORM_SIZE_PX
    shares = (np.arange(width) + 0.5) / width
    columns = peaks[(shares * len(peaks)).astype(np.intp)]
    half_heights = np.maximum(columns / max(float(peaks.max()), 1e-6) * (height / 2 - 8), 1)
    is_wave = np.abs(np.arange(height)[:, None] - height / 2) <= half_heights
    is_in_part = (shares >= part[0]) & (shares <= part[1])
    colours = np.where(is_in_part[:, None], np.array(WAVEFORM_COLOUR), np.array(PALE_COLOUR))
    pixels: Frames = np.where(is_wave[..., None], colours, np.array(BACKGROUND_COLOUR)).astype(np.uint8)
    return Image.fromarray(pixels)


def _to_data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
