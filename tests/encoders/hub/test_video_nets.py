"""Clips are prepared as pytorchvideo does."""

import numpy as np
import pytest
from hub_models import picture

from encoders.hub import video_nets


@pytest.mark.parametrize("shape", [(300, 400), (500, 281), (256, 256)])
def test_clips_are_prepared_as_pytorchvideo_does(shape):
    import torch

    frames = picture(5, *shape)
    h, w = shape
    size = (256, w * 256 // h) if h <= w else (h * 256 // w, 256)
    clip_ = torch.from_numpy(frames[[0, 1, 2, 4]]).permute(3, 0, 1, 2) / 255
    scaled = torch.nn.functional.interpolate(clip_, size=size, mode="bilinear", align_corners=False)
    top, left = round((size[0] - 256) / 2), round((size[1] - 256) / 2)
    wanted = (scaled[:, :, top : top + 256, left : left + 256] - 0.45) / 0.225
    got = video_nets.preprocess_clip(frames, 4)
    assert got.shape == (1, 3, 4, 256, 256) and np.abs(got[0] - wanted.numpy()).max() < 2 / 255 / 0.225


def test_a_clip_shorter_than_the_sample_repeats_frames():
    frames = picture(t=3)
    assert [int(f[0, 0, 0]) for f in video_nets.sample_evenly(frames, 5)] == [
        int(frames[i, 0, 0, 0]) for i in (0, 0, 1, 1, 2)
    ]
