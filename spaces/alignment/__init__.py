"""Maps between the emotion spaces of different modalities: fitted on paired anchors, applied to new points.

`make_closed_form_methods` and `make_learned_methods` list them all; `AlignmentMethod.fit` returns an
`AlignmentMap`, which transforms points of one modality, inverts where that is possible, and is stored by
`save_map`. torch and scikit-learn are imported only when a method needs them.
"""

from spaces.alignment.alignment_method import AlignmentMethod
from spaces.alignment.decomposition import AffineDecomposition, decompose_map
from spaces.alignment.generalised_procrustes import GeneralisedProcrustes, fit_generalised_procrustes
from spaces.alignment.io import load_map, save_map
from spaces.alignment.methods import make_closed_form_methods, make_learned_methods
from spaces.alignment.procrustes import ProcrustesResult, compute_average_cosine, run_procrustes
from spaces.alignment.steps import AlignmentMap

__all__ = [
    "AffineDecomposition",
    "AlignmentMap",
    "AlignmentMethod",
    "GeneralisedProcrustes",
    "ProcrustesResult",
    "compute_average_cosine",
    "decompose_map",
    "fit_generalised_procrustes",
    "load_map",
    "make_closed_form_methods",
    "make_learned_methods",
    "run_procrustes",
    "save_map",
]
