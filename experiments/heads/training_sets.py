"""What the packaged heads learn from: photos with captions, and exercises with their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from encoders.base import Rows, encode_all, unit_rows
from experiments.datasets import CaptionDataset
from experiments.datasets.registry import load_exercises, load_flickr1k_captions
from experiments.heads.audio_text.out_of_domain_texts import list_out_of_domain_texts
from experiments.heads.image_augmentation import encode_augmented_views
from retrieval.features.pipeline import FeaturePipeline
from retrieval.search.calibration import BACKGROUND_SENTENCES
from retrieval.training.ensemble import EnsembleConfig, TrainingData, project_zero_shot
from spaces.joint.space import TEXT_ROLE
from spaces.joint.training import Schedule
from spaces.joint.training_set import TrainingSet

MAX_OUT_OF_DOMAIN_COSINE = (
    0.55  # cosine from which a word is no stranger: "a barbell" is none among exercises
)
DEFAULT_SCHEDULE = Schedule(
    epochs=120, rate=1e-3, decay="one-cycle", draw="items", weight_decay=0.01, clip=0, warm=60
)


@dataclass(frozen=True, kw_only=True)
class SpaceTrainingSpec:
    """One packaged space.

    roles: that its heads read
    load_dataset: loads its data from the folder of the data sets
    view_count: of every item beside the plain one, see `experiments.heads.image_augmentation`
    data_description: of the data, for the card
    licence: of the data
    """

    name: str
    roles: tuple[str, ...]
    load_dataset: Callable[[Path], CaptionDataset]
    config: EnsembleConfig
    view_count: int
    data_description: str
    licence: str


TRAINING_SPECS = {
    "object": SpaceTrainingSpec(
        name="object",
        roles=("objects",),
        load_dataset=load_flickr1k_captions,
        config=EnsembleConfig(
            losses=("infonce-learnt", "weighted"),
            warmup_loss="infonce-learnt",
            schedule=DEFAULT_SCHEDULE,
            feature_power=0.5,
        ),
        view_count=8,
        data_description="flickr1k, 800 photos of Flickr8k with five captions each (Hodosh et al. 2013)",
        licence="photos and captions for research use only (Flickr's terms); the weights hold neither",
    ),
    "activity": SpaceTrainingSpec(
        name="activity",
        roles=("activity", "objects"),
        load_dataset=load_exercises,
        config=EnsembleConfig(
            losses=("ridge", "infonce-learnt"),
            schedule=DEFAULT_SCHEDULE,
            dim=384,
            feature_power=0.5,
            rejects_out_of_domain=True,
            required_roles=("activity",),
        ),
        view_count=4,
        data_description="free-exercise-db, 698 exercises, start and end frame, by name",
        licence="Unlicense (public domain)",
    ),
}


def load_training_data(
    spec: SpaceTrainingSpec, pipeline: FeaturePipeline, data_root: Path, *, seed: int, quiet: bool = False
) -> TrainingData:
    """Rows, sentence vectors and untrained cosines of a subject. Raises AffectError where data is missing."""
    found = spec.load_dataset(data_root)
    rows = encode_augmented_views(
        pipeline, [item.media for item in found.items], spec.view_count, seed=seed, quiet=quiet
    )
    texts, owner = found.flatten_captions()
    raw = encode_all(pipeline.get_encoder(TEXT_ROLE), texts)
    said = unit_rows(raw)
    untrained = next(space for space in pipeline.spaces if space.name == spec.name)
    material = TrainingSet(features={role: rows[role] for role in spec.roles}, texts=said, item_by_text=owner)
    return TrainingData(
        training_set=material,
        groups=found.groups,
        encoder_signatures={
            role: pipeline.get_encoder(role).card.signature for role in (*spec.roles, TEXT_ROLE)
        },
        zero_shot_embeddings=project_zero_shot(untrained, material.first_views, raw),
        out_of_domain_embeddings=_encode_out_of_domain_texts(pipeline, said)
        if spec.config.rejects_out_of_domain
        else None,
    )


def _encode_out_of_domain_texts(pipeline: FeaturePipeline, training_vectors: Rows) -> Rows:
    """(s, d) unit vectors of words about other things than any of the texts taught (n, d)."""
    rows = unit_rows(
        encode_all(pipeline.get_encoder(TEXT_ROLE), [*list_out_of_domain_texts(), *BACKGROUND_SENTENCES])
    )
    return rows[(rows @ training_vectors.T).max(axis=1) < MAX_OUT_OF_DOMAIN_COSINE]
