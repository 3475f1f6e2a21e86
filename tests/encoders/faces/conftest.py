"""Detectors, and a picture of one face."""

import pytest

from encoders.faces import mtcnn_fer


@pytest.fixture(scope="module")
def faces():
    return mtcnn_fer()


@pytest.fixture(scope="module")
def astronaut():
    return pytest.importorskip("skimage").data.astronaut()
