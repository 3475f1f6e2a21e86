"""Optional action recognition of clips: X3D-M (Feichtenhofer 2020) and I3D (Carreira & Zisserman 2017)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from encoders.base import Frames
from encoders.hub.torchvision_nets import ClassifierSpec, FrameClassifier, Pixels, load_classifier

if TYPE_CHECKING:
    import torch

MODEL_ZOO_URL = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"
CROP_SIDE = 256  # pixels, short side and centre crop alike
MEAN, STD = 0.45, 0.225  # of all three channels


def sample_evenly(frames: Frames, frame_count: int) -> Frames:
    """`frame_count` frames at equal distance, first and last among them; a shorter clip repeats some."""
    return frames[np.linspace(0, len(frames) - 1, frame_count).astype(int)]


def crop_centre(frame: Frames, side: int = CROP_SIDE) -> Frames:
    """The middle square (side, side, 3) of one frame (h, w, 3) scaled so that its short side is `side`."""
    h, w = frame.shape[:2]
    height, width = (side, w * side // h) if h <= w else (h * side // w, side)
    scaled = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    top, left = round((height - side) / 2), round((width - side) / 2)
    return np.asarray(scaled[top : top + side, left : left + side], np.uint8)


def preprocess_clip(frames: Frames, frame_count: int) -> Pixels:
    """Frames to one clip (1, 3, count, 256, 256), scaled as pytorchvideo's checkpoints expect.

    The frame rate differs: they were trained on about six frames a second, a library samples one or fewer.
    """
    clip = np.stack([crop_centre(frame) for frame in sample_evenly(frames, frame_count)])
    scaled = (clip.astype(np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(scaled.transpose(3, 0, 1, 2)[None], np.float32)


def load_kinetics_labels() -> tuple[str, ...]:
    """The 400 Kinetics label names, alphabetical as in the checkpoints."""
    from torchvision.models.video import R3D_18_Weights

    return tuple(R3D_18_Weights.KINETICS400_V1.meta["categories"])


def remove_softmax(model: Any) -> torch.nn.Module:
    """`model` without the softmax that X3D's head ends in: rows must stay linear."""
    model.blocks[-1].activation = None
    linear: torch.nn.Module = model
    return linear


def _build_x3d_m() -> torch.nn.Module:
    from pytorchvideo.models.hub.x3d import x3d_m

    return remove_softmax(x3d_m())


def _build_i3d_r50() -> torch.nn.Module:
    from pytorchvideo.models.hub.resnet import i3d_r50

    return remove_softmax(i3d_r50())


X3D_M = ClassifierSpec(
    name="x3d-m",
    dim=2048,
    weights_url=f"{MODEL_ZOO_URL}/X3D_M.pyth",
    licence="Apache-2.0",
    training_data="Kinetics-400",
    build_model=_build_x3d_m,
    head_layer="blocks.5.proj",
    preprocess=partial(preprocess_clip, frame_count=16),
    input_shape=(3, 16, CROP_SIDE, CROP_SIDE),
    load_classes=load_kinetics_labels,
)

I3D_R50 = ClassifierSpec(
    name="i3d-r50",
    dim=2048,
    weights_url=f"{MODEL_ZOO_URL}/I3D_8x8_R50.pyth",
    licence="Apache-2.0",
    training_data="Kinetics-400",
    build_model=_build_i3d_r50,
    head_layer="blocks.6.proj",
    preprocess=partial(preprocess_clip, frame_count=8),
    input_shape=(3, 8, CROP_SIDE, CROP_SIDE),
    load_classes=load_kinetics_labels,
)


def x3d_m() -> FrameClassifier:
    """X3D-M, 16 frames, 2048-d; top-1 .7594 with 10 crops on Kinetics-400."""
    return load_classifier(X3D_M)


def i3d_r50() -> FrameClassifier:
    """I3D with a ResNet-50, 8 frames, 2048-d; top-1 .7327 on Kinetics-400."""
    return load_classifier(I3D_R50)
