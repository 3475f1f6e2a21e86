"""Suppression of boxes, by hand."""

import numpy as np

from encoders.faces import boxes


def test_suppression_by_hand():
    owner = np.array([0, 0, 0, 1])
    rows = np.array([[0, 0, 10, 10, 0.8], [1, 0, 11, 10, 0.9], [20, 0, 30, 10, 0.7], [0, 0, 10, 10, 0.6]])
    rows = rows.astype(np.float32)
    assert boxes.nms(owner, rows, 0.5).tolist() == [1, 2, 3]
    assert boxes.nms(owner, rows, 0.9).tolist() == [1, 0, 2, 3]
    inner = np.array([[0, 0, 40, 40], [5, 5, 15, 15], [100, 100, 110, 110]], np.float32)
    scores = np.array([0.9, 0.95, 0.8], np.float32)
    assert boxes.nms_by_min_area(np.zeros(3, int), inner, scores, 0.7).tolist() == [1, 2]
