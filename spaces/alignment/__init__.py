"""Maps between the emotion spaces of different senses: fitted on paired anchors, carried to new points.

`make_closed_form_methods` and `make_learned_methods` list them all; `AlignmentMethod.fit` gives an
`AlignmentMap`, which transforms points
of one sense, inverts where that is possible, and is kept by `save_map`. Nothing here imports torch or
scikit-learn before a map needs them.
"""

from spaces.alignment.io import load_map, save_map
from spaces.alignment.methods import AlignmentMethod, make_closed_form_methods, make_learned_methods
from spaces.alignment.procrustes import compute_average_cosine, fit_generalised_procrustes, run_procrustes
from spaces.alignment.steps import AlignmentMap

__all__ = [
    "AlignmentMap",
    "AlignmentMethod",
    "compute_average_cosine",
    "fit_generalised_procrustes",
    "load_map",
    "make_closed_form_methods",
    "make_learned_methods",
    "run_procrustes",
    "save_map",
]
