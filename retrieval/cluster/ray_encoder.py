"""Encoding by Ray Data: decoders and experts in pools of actors, on one machine or on many.

Ray runs what a lost worker had in hand again, so an event may come more than once; events are put together by
file and number, and a library takes each content once, by its hash. The files must lie under the same paths
on all machines, and this package must be installed on them.
"""

from __future__ import annotations

import logging
import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders import AffectError, MissingBackendError, to_printable
from encoders.media import DecodedSegment, FailedFile, FinishedFile, OpenedFile
from retrieval.cluster.ray_workers import DecoderActor, ExpertActor, FileEvent, drop_media, read_batch
from retrieval.features import FeaturePipeline, PipelineConfig, list_media_roles
from retrieval.indexing import EncodedMedia, EncodedSegment, EncodingStep, make_sampling
from retrieval.previews import get_preview

if TYPE_CHECKING:
    from ray.data import Dataset

LOCAL_ADDRESS = "local"  # starts a cluster on this machine
CPU_SHARE = 0.75  # of a cluster's CPUs, for the actors: where they take all, Ray's own tasks wait for ever
FILES_PER_BATCH, SEGMENTS_PER_BATCH = 4, 8
POLL_SECONDS = 0.2  # between two looks for a request to stop
MAX_WAITING_BATCHES = 16
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class RayEncoder:
    """Decodes and encodes files in a Ray cluster: "local", "auto", or "host:port"."""

    address: str
    config: PipelineConfig
    segment_seconds: float

    def encode(
        self, paths: Sequence[Path], should_decode: Callable[[OpenedFile], bool]
    ) -> Iterator[EncodingStep]:
        """Steps as events come back. Raises AffectError where there is no cluster, or it fails."""
        with connect(self.address) as cpu_count:
            dataset = self._make_dataset(paths, cpu_count)
            assembler = FileAssembler(should_decode)
            for events in _iterate_in_background(dataset):
                for event in events:
                    yield assembler.add(event)
                if not events:
                    yield EncodingStep()

    def _make_dataset(self, paths: Sequence[Path], cpu_count: float) -> Dataset:
        """The data set of events, whose stages run as they are read."""
        import ray.data

        pipeline = FeaturePipeline(self.config)
        experts = list_experts(pipeline)
        resources = plan_pool(cpu_count, 1 + len(experts))
        dataset = ray.data.from_items(
            [{"path": os.fsencode(path)} for path in paths],
            override_num_blocks=-(-len(paths) // FILES_PER_BATCH),
        ).map_batches(
            DecoderActor,
            fn_constructor_args=(make_sampling(pipeline, self.segment_seconds),),
            batch_size=FILES_PER_BATCH,
            **resources,
        )
        for roles in experts:
            absent = {role: "" for role in list_media_roles() if role not in roles}
            dataset = dataset.map_batches(
                ExpertActor,
                fn_constructor_args=({**self.config, **absent},),
                batch_size=SEGMENTS_PER_BATCH,
                **resources,
            )
        return dataset.map_batches(drop_media, batch_size=SEGMENTS_PER_BATCH, num_cpus=0.01)


class FileAssembler:
    """Puts files together from events that come in any order, and perhaps more than once."""

    def __init__(self, should_decode: Callable[[OpenedFile], bool]) -> None:
        self._should_decode = should_decode
        self._files: dict[Path, _OpenFile] = {}
        self._done: set[Path] = set()

    def add(self, event: FileEvent) -> EncodingStep:
        """What an event leads to: a whole file, without results if not to be decoded, or a failed one."""
        path = event.event.path
        if path in self._done:
            return EncodingStep()
        file = self._files.setdefault(path, _OpenFile())
        match event.event:
            case OpenedFile() as opened:
                file.opened = opened
            case DecodedSegment(segment=segment):
                is_new = event.number not in file.segments
                encoded = EncodedSegment(
                    features=event.features, preview=get_preview(segment), faces=event.faces
                )
                file.segments[event.number] = (segment.start, segment.end), encoded
                if is_new and not file.is_whole:
                    return EncodingStep(counts=event.counts)
            case FinishedFile(incomplete_reason=reason):
                file.segment_count, file.incomplete_reason = event.number, reason
            case FailedFile() as failed:
                self._close(path)
                return EncodingStep(failed_file=failed)
        if not file.is_whole:
            return EncodingStep()
        self._close(path)
        return EncodingStep(counts=event.counts, completed_files=[self._complete(file)], has_encoded=True)

    def _close(self, path: Path) -> None:
        self._files.pop(path, None)
        self._done.add(path)

    def _complete(self, file: _OpenFile) -> EncodedMedia:
        assert file.opened is not None
        segments = [file.segments[number] for number in sorted(file.segments)]
        is_wanted = self._should_decode(file.opened)
        return EncodedMedia(
            opened=file.opened,
            spans=[span for span, _ in segments],
            results=[encoded for _, encoded in segments] if is_wanted else [],
            is_decoded=True,
            incomplete_reason=file.incomplete_reason,
        )


@dataclass(kw_only=True)
class _OpenFile:
    """A file of which not all events have come; `segment_count` is known at its end."""

    opened: OpenedFile | None = None
    segments: dict[int, tuple[tuple[float | None, float | None], EncodedSegment]] = field(
        default_factory=dict
    )
    segment_count: int | None = None
    incomplete_reason: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.opened is not None and len(self.segments) == self.segment_count


def list_experts(pipeline: FeaturePipeline) -> list[tuple[str, ...]]:
    """The roles of each pool: one each, but those that share a network together."""
    sharing = pipeline.backbone_sharing_roles
    alone = [(role,) for role in pipeline.media_roles if role not in sharing]
    return [*([sharing] if sharing else []), *alone]


def plan_pool(cpu_count: float, pool_count: int) -> dict[str, Any]:
    """CPUs of an actor and sizes of a pool, of which there are `pool_count`, for `map_batches`."""
    share = CPU_SHARE * cpu_count / pool_count
    return {"num_cpus": float(np.clip(share, 0.01, 1.0)), "concurrency": (1, max(int(share), 1))}


@contextmanager
def connect(address: str) -> Iterator[float]:
    """A connection to a Ray cluster, with its number of CPUs. Raises AffectError where there is none."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingBackendError("--ray needs the package ray: pip install 'affect-fusion[ray]'") from error
    _check_answers(address)
    is_local = address == LOCAL_ADDRESS
    options: dict[str, Any] = {"num_cpus": os.cpu_count(), "include_dashboard": False} if is_local else {}
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise _make_absence_error(address, error) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield float(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise AffectError where nothing listens at "host:port": Ray itself would end this process."""
    host, separator, port = address.rpartition(":")
    if not separator:
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS):
            return
    except (OSError, ValueError, OverflowError) as error:
        raise _make_absence_error(address, error) from error


def _make_absence_error(address: str, error: Exception) -> AffectError:
    reason = to_printable((str(error).splitlines() or [""])[0][:200])
    return AffectError(
        f"--ray {to_printable(address)}: no Ray cluster answers ({reason}); give host:port of its head, "
        "or local"
    )


def _iterate_in_background(dataset: Dataset) -> Iterator[list[FileEvent]]:
    """The events of a data set, batch after batch; an empty list where none has come for POLL_SECONDS."""
    waiting: queue.Queue[list[FileEvent] | Exception | None] = queue.Queue(MAX_WAITING_BATCHES)
    is_stopped = threading.Event()

    def read() -> None:
        try:
            for batch in dataset.iter_batches(batch_size=None, prefetch_batches=1):
                if is_stopped.is_set():
                    return
                waiting.put(read_batch(batch))
            waiting.put(None)
        except Exception as error:  # noqa: BLE001 - raised in the thread that reads the queue
            waiting.put(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            try:
                events = waiting.get(timeout=POLL_SECONDS)
            except queue.Empty:
                yield []
                continue
            if events is None:
                return
            if isinstance(events, Exception):
                reason = str(events).strip().splitlines()[-1][:200]
                raise AffectError(
                    f"Ray has failed ({reason}); what was committed is safe: run the same command again"
                ) from events
            yield events
    finally:
        is_stopped.set()
