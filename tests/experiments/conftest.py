"""A folder of rendered clips."""

import pytest
from synthetic_clips import COUNT, DENSE

from encoders.media import probe, read_segments
from experiments.synthetic import generate_clips, render


@pytest.fixture(scope="session")
def rendered_folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("synthetic")
    render.render_dataset(place, COUNT, seed=5, jobs=1, quiet=True)
    return place


@pytest.fixture(scope="session")
def decoded_clips(rendered_folder):
    """Each clip's truth with what is decoded of its file."""
    found = []
    for clip in generate_clips(COUNT, seed=5):
        (segment,) = read_segments(rendered_folder / clip.name, probe(rendered_folder / clip.name), DENSE)
        found.append((clip, segment))
    return found
