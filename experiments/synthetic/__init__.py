"""A synthetic data set with ground truth: moving coloured shapes with music of a known mood, as media files.

Shape and colour are visible in any single frame. The action is visible over time only: sliding left is
sliding right in reverse, shrinking is growing in reverse, and position, size and angle in one frame carry
little information. The mood is audible only, and some clips are silent. So every encoder has information that
no other has, and a caption mentions some of it.
"""

from experiments.synthetic.render import GENERATOR_VERSION, render_dataset
from experiments.synthetic.world import (
    ACTIONS,
    BACKDROPS,
    COLOURS,
    MOODS,
    SHAPES,
    SyntheticClip,
    generate_clips,
)

__all__ = [
    "ACTIONS",
    "BACKDROPS",
    "COLOURS",
    "GENERATOR_VERSION",
    "MOODS",
    "SHAPES",
    "SyntheticClip",
    "generate_clips",
    "render_dataset",
]
