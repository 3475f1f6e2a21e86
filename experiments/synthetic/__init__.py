"""A synthetic set with known truth: moving coloured shapes with music of a known mood, as real media files.

Shape and colour show in any single frame. The action shows over time alone: sliding left is sliding right
backwards, shrinking is growing backwards, and where a shape is, how large and how turned says little in one
frame. The mood is heard and never seen, and some clips are silent. So each expert has something only it
can tell, and a caption mentions some of it.
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
