"""Overlap of boxes, and batches of clips."""

import numpy as np

from experiments.benchmarks.faces import compute_detection_recall, compute_iou, split_into_batches


def test_overlap_and_recall_of_boxes():
    one = np.array([[0, 0, 2, 2]], np.float32)
    two = np.array([[0, 0, 2, 1], [1, 1, 3, 3], [5, 5, 6, 6]], np.float32)
    none = np.empty((0, 4), np.float32)
    assert np.allclose(compute_iou(one, two), [[1 / 2, 1 / 7, 0]])
    assert compute_detection_recall([[one, one], [none]], [[two, none], [two]]).value == 50


def test_clips_are_grouped_as_in_an_indexing_run():
    films = [np.zeros((size, 2, 2, 3), np.uint8) for size in (8, 8, 8, 8, 8, 40, 1)]
    assert [[len(film) for film in group] for group in split_into_batches(films)] == [
        [8, 8, 8, 8],
        [8, 40],
        [1],
    ]
