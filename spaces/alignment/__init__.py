"""Maps between the emotion spaces of different senses: fitted on paired anchors, carried to new points.

`closed_methods` and `learned_methods` list them all; `Method.fit` gives an `Aligned`, which transforms points
of one sense, inverts where that is possible, and is kept by `save_map`. Nothing here imports torch or
scikit-learn before a map needs them.
"""

from spaces.alignment.io import load_map, save_map
from spaces.alignment.methods import Method, closed_methods, learned_methods
from spaces.alignment.procrustes import average_cosine, generalised, standard
from spaces.alignment.steps import Aligned

__all__ = [
    "Aligned",
    "Method",
    "average_cosine",
    "closed_methods",
    "generalised",
    "learned_methods",
    "load_map",
    "save_map",
    "standard",
]
