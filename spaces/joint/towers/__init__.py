"""Towers while they are trained (torch); for use they become the numpy of `spaces.joint.space`.

JEMC's media tower is a linear projection of pooled features, its text tower a GRU over word vectors trained
with it (Mithun et al. 2018, after VSE++, Faghri et al. 2018). Besides the GRU there is a projection of the
sentence vectors of a language model.
"""

from spaces.joint.towers.joint_models import JointModel, Model, SharedModel
from spaces.joint.towers.projection import InputLayer, MaskedFeatures, Projection
from spaces.joint.towers.text_towers import GRUTower, SentenceTower

__all__ = [
    "GRUTower",
    "InputLayer",
    "JointModel",
    "MaskedFeatures",
    "Model",
    "Projection",
    "SentenceTower",
    "SharedModel",
]
