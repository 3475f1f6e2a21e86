"""Areas by tables of sums are torch's area interpolation."""

import numpy as np

from encoders.faces.summed_area import compute_bins, compute_summed_areas, crop_boxes, resize_by_area


def test_bins_and_levels_are_torchs_area_interpolation(astronaut):
    from torch import from_numpy
    from torch.nn.functional import interpolate

    frames = np.stack([astronaut[:201, :133], astronaut[100:301, 100:233]])
    torchs = from_numpy(frames.transpose(0, 3, 1, 2).astype(np.float32))
    wanted = (interpolate(torchs, (121, 80), mode="area").numpy() - 127.5) / 128
    assert np.allclose(resize_by_area(compute_summed_areas(frames), 121, 80), wanted, atol=1e-5)
    box = torchs[1:, :, 7:20, 3:60]
    wanted = (interpolate(box, (24, 24), mode="area").numpy() - 127.5) / 128
    cut = np.array([[3, 7, 60, 20]])
    assert np.allclose(crop_boxes(compute_summed_areas(frames), np.array([1]), cut, 24), wanted, atol=1e-5)


def test_bins_by_hand():
    assert [edge.tolist() for edge in compute_bins(5, 3)] == [[0, 1, 3], [2, 4, 5]]
    assert [edge.tolist() for edge in compute_bins(2, 3)] == [[0, 0, 1], [1, 2, 2]]


def test_tables_may_wrap_around():
    frames = np.full((1, 3000, 3000, 3), 255, np.uint8)
    assert np.allclose(resize_by_area(compute_summed_areas(frames), 7, 5), 127.5 / 128)
