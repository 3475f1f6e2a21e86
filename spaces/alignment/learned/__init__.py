"""Maps trained by gradient descent: the circumplex report's joint mapping (section 9.2), and a small network.

Many copies are trained at once, each on its own anchors: shuffles of the pairs, draws of a learning curve.
All start from the same initial weights, so that a copy is trained as it would be alone.
"""

from spaces.alignment.learned.gradient_descent import DEFAULT_DESCENT, DescentConfig
from spaces.alignment.learned.joint_mapping import (
    JointLoss,
    JointMapping,
    OriginMode,
    fit_joint_mapping,
    fit_joint_mappings,
)
from spaces.alignment.learned.mlp import fit_network, fit_networks

__all__ = [
    "DEFAULT_DESCENT",
    "DescentConfig",
    "JointLoss",
    "JointMapping",
    "OriginMode",
    "fit_joint_mapping",
    "fit_joint_mappings",
    "fit_network",
    "fit_networks",
]
