from pathlib import Path

import numpy as np
import pytest

from encoders.base import Audio, MediaError
from encoders.media import Probe, Segment
from encoders.media.decoder_pool import DecodedSegment, FailedFile, FinishedFile, OpenedFile
from retrieval.features.batching import BATCH_AUDIO_SECONDS, BATCH_FRAMES, encode_files, is_batch_full

A, B, C = map(Path, ("a.mp4", "b.mp4", "c.mp4"))


def opened(path):
    held = Probe(
        modality="video",
        duration=1.0,
        width=4,
        height=4,
        fps=1.0,
        sample_rate=None,
        channels=None,
        format="mp4",
    )
    return OpenedFile(path=path, digest=f"{path.stem}{'0' * 31}", probe=held)


def decoded(path, number, frames=BATCH_FRAMES // 2):
    shot = np.full((frames, 2, 2, 3), number, np.uint8)
    return DecodedSegment(
        path,
        Segment(
            start=float(number), end=number + 1.0, frames=shot, frame_times=tuple(range(frames)), audio=None
        ),
    )


def name(parts):
    return [f"{part.path.stem}{part.segment.start:.0f}" for part in parts]


def run(events):
    batches = []
    steps = list(encode_files(events, lambda parts: batches.append(name(parts)) or batches[-1]))
    return steps, batches


def test_segments_of_several_files_share_batches():
    steps, batches = run(
        [
            opened(A),
            decoded(A, 0),
            opened(B),
            decoded(B, 0),
            FinishedFile(B),
            decoded(A, 1),
            FinishedFile(A, "cut"),
        ]
    )
    assert batches == [["a0", "b0"], ["a1"]]
    whole = {file.path: file for step in steps for file in step.completed_files}
    assert whole[A].results == ["a0", "a1"] and whole[A].spans == [(0.0, 1.0), (1.0, 2.0)]
    assert whole[B].results == ["b0"] and (whole[A].incomplete_reason, whole[B].incomplete_reason) == (
        "cut",
        None,
    )
    assert sum(len(step.encoded_segments) for step in steps) == 3
    assert len(steps) == 8  # one for each event, and the last batch


def test_a_failed_file_leaves_nothing_behind():
    bad = MediaError(A, "damaged")
    steps, batches = run(
        [opened(A), decoded(A, 0), opened(B), decoded(B, 0), decoded(A, 1), FailedFile(A, bad), decoded(B, 1),
         FinishedFile(B), FailedFile(C, bad)]
    )  # fmt: skip
    assert batches == [["a0", "b0"], ["b1"]]  # what waited of it is not encoded
    assert [file.path for step in steps for file in step.completed_files] == [B]
    assert [step.failed_file.path for step in steps if step.failed_file] == [A, C]


def test_a_file_that_is_not_decoded_is_complete_at_once():
    steps, batches = run([opened(A), FinishedFile(A)])
    assert batches == [] and [file.results for file in steps[1].completed_files] == [[]]


def test_an_encoder_that_loses_a_segment_is_noticed():
    with pytest.raises(ValueError, match="zip"):
        list(encode_files([opened(A), decoded(A, 0)], lambda parts: []))


def test_a_batch_is_full_of_frames_or_of_sound():
    def sound(seconds):
        audio = Audio(samples=np.zeros(int(seconds * 100), np.float32), sample_rate=100)
        return Segment(start=0.0, end=seconds, frames=None, frame_times=(), audio=audio)

    half = decoded(A, 0).segment
    assert is_batch_full([half, half]) and not is_batch_full([half]) and not is_batch_full([])
    assert is_batch_full([sound(BATCH_AUDIO_SECONDS / 2)] * 2) and not is_batch_full([sound(1), half])
