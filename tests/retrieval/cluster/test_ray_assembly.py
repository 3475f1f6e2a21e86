"""Files are put together from events in any order, and given twice; no Ray is needed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.base import MediaError
from encoders.media import DecodedSegment, FailedFile, FinishedFile, OpenedFile, Probe, Segment
from retrieval.cluster.ray_encoder import FileAssembler, plan_pool
from retrieval.cluster.ray_workers import FileEvent, drop_media, make_batch, read_batch
from retrieval.indexing import SegmentCounts

PROBE = Probe(
    modality="video", duration=30.0, width=4, height=4, fps=None, sample_rate=None, channels=None, format="x"
)


def make_events(name, segment_count):
    """A file's events, each segment with a row of its number."""
    path = Path("/media") / name
    opened = OpenedFile(path=path, digest=f"{name:0>32}", probe=PROBE)
    none = SegmentCounts()
    events = [FileEvent(event=opened, number=0, counts=none, features={})]
    for number in range(segment_count):
        segment = Segment(
            start=15.0 * number, end=15.0 * number + 15, frames=np.zeros((2, 1, 1, 3), np.uint8),
            frame_times=(0.0, 1.0), audio=None,
        )  # fmt: skip
        counts = SegmentCounts.from_segments([segment])
        features = {"objects": np.full((1, 2), number, np.float32)}
        decoded = DecodedSegment(path, segment)
        events.append(FileEvent(event=decoded, number=number, counts=counts, features=features))
    end = FinishedFile(path, "cut" if segment_count % 2 else None)
    return [*events, FileEvent(event=end, number=segment_count, counts=none, features={})]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).flatmap(
        lambda sizes: st.tuples(st.just(sizes), st.randoms(use_true_random=False), st.integers(0, 5))
    )
)
def test_any_order_and_repetition_gives_each_file_once(drawn):
    sizes, random, repeated = drawn
    events = [event for i, size in enumerate(sizes) for event in make_events(f"{i}", size)]
    events += random.sample(events, min(repeated, len(events)))
    random.shuffle(events)
    assembler = FileAssembler(lambda opened: opened.path.name != "0")
    steps = [assembler.add(event) for event in events]
    files = {file.path.name: file for step in steps for file in step.completed_files}
    assert sum(len(step.completed_files) for step in steps) == len(sizes) == len(files)
    assert sum(step.counts.frames for step in steps) == 2 * sum(sizes)
    for i, size in enumerate(sizes):
        file = files[f"{i}"]
        assert file.incomplete_reason == ("cut" if size % 2 else None)
        assert file.spans == [(15.0 * n, 15.0 * n + 15) for n in range(size)]
        numbers = [float(segment.features["objects"][0, 0]) for segment in file.results]
        assert numbers == ([*range(size)] if i else [])


def test_a_file_that_fails_is_given_once_and_not_completed():
    events = make_events("film", 2)
    failed = FailedFile(Path("/media/film"), MediaError(Path("/media/film"), "cut"))
    failure = FileEvent(event=failed, number=1, counts=SegmentCounts(), features={})
    assembler = FileAssembler(lambda opened: True)
    steps = [assembler.add(event) for event in [*events[:2], failure, failure, *events]]
    assert [step.failed_file for step in steps if step.failed_file] == [failed]
    assert not any(step.completed_files for step in steps)


def test_media_are_left_out_at_the_end():
    batch = drop_media(make_batch(make_events("a", 1)))
    segment = read_batch(batch)[1].event.segment
    assert segment.frames is None and (segment.start, segment.end) == (0.0, 15.0)
    assert read_batch(batch)[1].counts.frames == 2


@pytest.mark.parametrize("cpus", [1, 2, 16, 1000])
@pytest.mark.parametrize("pools", [1, 3, 6])
def test_actors_leave_cpus_for_ray(cpus, pools):
    plan = plan_pool(cpus, pools)
    assert 0 < plan["num_cpus"] <= 1 and plan["concurrency"][0] == 1
    assert pools * plan["num_cpus"] * plan["concurrency"][1] <= max(0.75 * cpus, 0.01 * pools) + 1e-9
