"""Writers for video clips and sounds of the demo, the synthetic data set and benchmarks."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from operator import itemgetter
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from encoders import Frames, make_draft_path

Waveform = npt.NDArray[np.floating]
EncodedPackets = tuple[float, list[av.Packet]]  # start of the encoded data in seconds, and its packets
NO_OPTIONS: Mapping[str, str] = {}


def make_file_atomically(path: Path, write_file: Callable[[Path], object]) -> None:
    """Write a file atomically: under a hidden name with the same suffix in the same folder, then renamed."""
    with make_draft_path(path) as draft:
        write_file(draft)
        draft.replace(path)


def write_video(
    path: Path,
    frames: Iterable[Frames],
    fps: int,
    audio_blocks: Iterable[Waveform] | None = None,
    sample_rate: int = 0,
    codec_options: Mapping[str, str] = NO_OPTIONS,
    metadata: Mapping[str, str] = NO_OPTIONS,
) -> None:
    """Write an H.264 clip in the container given by the suffix, with AAC sound unless `audio_blocks` is None.

    frames: (h, w, 3) uint8 each; consumed lazily, as are the audio blocks, so that memory stays bounded
    audio_blocks: consecutive blocks (n,) of mono samples at `sample_rate` Hz
    codec_options: of libx264
    metadata: of the container, such as a comment

    Raises ValueError if there are no frames.
    """
    frame_iterator = iter(frames)
    first_frame = next(frame_iterator, None)
    if first_frame is None:
        raise ValueError(f"{path}: a clip needs a picture")
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata)
        video_stream = container.add_stream("libx264", rate=fps, options=dict(codec_options))
        video_stream.height, video_stream.width, video_stream.pix_fmt = (
            first_frame.shape[0],
            first_frame.shape[1],
            "yuv420p",
        )
        packet_streams = [_encode_video(video_stream, chain([first_frame], frame_iterator), fps)]
        if audio_blocks is not None:
            packet_streams.append(
                _encode_audio(
                    container.add_stream("aac", rate=sample_rate, layout="mono"), audio_blocks, sample_rate
                )
            )
        for _, packets in heapq.merge(*packet_streams, key=itemgetter(0)):
            container.mux(packets)


def write_audio(path: Path, audio: Waveform, sample_rate: int) -> None:
    """Write a mono FLAC file of samples (n,) at `sample_rate` Hz."""
    with av.open(str(path), "w") as container:
        for _, packets in _encode_audio(
            container.add_stream("flac", rate=sample_rate, layout="mono"), [audio], sample_rate
        ):
            container.mux(packets)


def _encode_video(stream: av.VideoStream, frames: Iterable[Frames], fps: int) -> Iterator[EncodedPackets]:
    for index, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
        frame.pts, frame.time_base = index, Fraction(1, fps)
        yield index / fps, stream.encode(frame)
    yield math.inf, stream.encode()


def _encode_audio(
    stream: av.AudioStream, audio_blocks: Iterable[Waveform], sample_rate: int
) -> Iterator[EncodedPackets]:
    start = 0
    for block in audio_blocks:
        samples = np.ascontiguousarray(block[None], np.float32)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
        yield start / sample_rate, stream.encode(frame)
        start += len(block)
    yield math.inf, stream.encode()
