"""Training data of the packaged object and activity spaces: captioned photos, and named exercises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from encoders import Rows, encode_all, unit_rows
from experiments.datasets import CaptionDataset
from experiments.datasets.exercise_activity import load_exercises
from experiments.datasets.flickr1k import load_flickr1k_captions
from experiments.heads.audio_text.out_of_domain_texts import list_out_of_domain_texts
from experiments.heads.image_augmentation import encode_augmented_views
from retrieval.features import FeaturePipeline
from retrieval.search.calibration import BACKGROUND_SENTENCES
from retrieval.training import EnsembleConfig, TrainingData
from retrieval.training.ensemble import project_zero_shot
from spaces.joint import TEXT_ROLE, Ints, Schedule, TrainingSet

MAX_OUT_OF_DOMAIN_COSINE = 0.55  # to a training text, from which a text is in domain, as "a barbell" is
DEFAULT_SCHEDULE = Schedule(
    epochs=120, rate=1e-3, decay="one-cycle", draw="items", weight_decay=0.01, clip=0, warm=60
)


@dataclass(frozen=True, kw_only=True)
class SpaceTrainingSpec:
    """One packaged space.

    roles: inputs of its heads
    load_dataset: from the folder of the data sets
    view_count: augmented views of every item, see `experiments.heads.image_augmentation`
    data_description, licence: of the data, for the card
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
            losses=("infonce-learnt", "weighted", "kernel ridge"),
            warmup_loss="infonce-learnt",
            schedule=DEFAULT_SCHEDULE,
            feature_power=0.5,
        ),
        view_count=8,
        data_description="flickr1k, 800 photos of Flickr8k with five captions each (Hodosh et al. 2013)",
        licence=(
            "photos and captions for research use only (Flickr's terms); the weights hold neither, but "
            "means of the features of two photos or more"
        ),
    ),
    "activity": SpaceTrainingSpec(
        name="activity",
        roles=("activity", "objects", "pose"),
        load_dataset=load_exercises,
        config=EnsembleConfig(
            losses=("two-sided kernel ridge",),
            schedule=DEFAULT_SCHEDULE,
            dim=128,
            feature_power=0.5,
            min_landmark_items=1,
            rejects_out_of_domain=True,
            required_roles=("activity",),
        ),
        view_count=4,
        data_description=(
            "free-exercise-db, 698 exercises, start and end frame, by name; targets are also instructions, "
            "and equipment and muscles"
        ),
        licence="Unlicense (public domain)",
    ),
}


def load_training_data(
    spec: SpaceTrainingSpec, pipeline: FeaturePipeline, data_root: Path, *, seed: int, quiet: bool = False
) -> TrainingData:
    """Features, sentence vectors and untrained embeddings. Raises AffectError where the data are missing."""
    dataset = spec.load_dataset(data_root)
    features = encode_augmented_views(
        pipeline, [item.media for item in dataset.items], spec.view_count, seed=seed, quiet=quiet
    )
    texts, item_by_text = dataset.flatten_captions()
    raw_texts = encode_all(pipeline.get_encoder(TEXT_ROLE), texts)
    sentence_vectors = unit_rows(raw_texts)
    untrained = next(space for space in pipeline.spaces if space.name == spec.name)
    training_set = TrainingSet(
        features={role: features[role] for role in spec.roles},
        texts=sentence_vectors,
        item_by_text=item_by_text,
    )
    out_of_domain = (
        _encode_out_of_domain_texts(pipeline, sentence_vectors) if spec.config.rejects_out_of_domain else None
    )
    return TrainingData(
        training_set=training_set,
        groups=dataset.groups,
        encoder_signatures={
            role: pipeline.get_encoder(role).card.signature for role in (*spec.roles, TEXT_ROLE)
        },
        zero_shot_embeddings=project_zero_shot(untrained, training_set.first_views, raw_texts),
        out_of_domain_embeddings=out_of_domain,
        descriptions=_encode_descriptions(pipeline, dataset),
    )


def _encode_descriptions(pipeline: FeaturePipeline, dataset: CaptionDataset) -> tuple[Rows, Ints] | None:
    """Unit sentence vectors (n, d) and (n,) the item of each; None without any."""
    texts, item_by_text = dataset.flatten_descriptions()
    return (unit_rows(encode_all(pipeline.get_encoder(TEXT_ROLE), texts)), item_by_text) if texts else None


def _encode_out_of_domain_texts(pipeline: FeaturePipeline, training_vectors: Rows) -> Rows:
    """(s, d) unit vectors of texts unlike all training texts (n, d)."""
    texts = [*list_out_of_domain_texts(), *BACKGROUND_SENTENCES]
    rows = unit_rows(encode_all(pipeline.get_encoder(TEXT_ROLE), texts))
    return rows[(rows @ training_vectors.T).max(axis=1) < MAX_OUT_OF_DOMAIN_COSINE]
