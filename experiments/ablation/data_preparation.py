"""From a data set by name to the data of an ablation: splits, features and captions, all encoded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from encoders import (
    ENCODERS,
    MALFORMED_FILE_ERRORS,
    AffectError,
    Rows,
    encode_all,
    get_cache_dir,
    read_safetensors,
    to_printable,
    unit_rows,
    write_safetensors,
)
from encoders.media import Sampling
from experiments.ablation.data_record import compute_hashes, describe_missing_features
from experiments.ablation.prepared_data import SPLITS, PreparedData
from experiments.ablation.settings import AblationSettings
from experiments.ablation.space_spec import ROLES, make_audio_role
from experiments.datasets import CaptionDataset, hold_out_split, load_named_dataset
from experiments.datasets.stored_features import describe_feature_files
from experiments.features.extraction import load_item_features
from experiments.synthetic import render_dataset
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces.joint import Vocabulary, read_word_vectors

SYNTHETIC, DEFAULT_SYNTHETIC_CLIPS = "synthetic", 400
TEST_SHARE = 0.2  # share of the items held out as test where a set has no splits at all
SEED = 0  # of the splits and of the synthetic set
MAX_CAPTION_WORDS = 64  # words of a caption that are encoded
MIN_CAPTIONED_ITEMS = {"train": 2, "dev": 1, "test": 2}  # with one there is nothing to rank
SPLIT_ADVICE = (
    "train and test each need 2 items with captions or more, dev 1, better 10, in groups of their own: add "
    "items, or name their parts in a column split"
)
MSRVTT_STEPS = 1018  # steps of an epoch on MSR-VTT Full, which the schedules were made for


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSource:
    """The data set that data was prepared from.

    pipeline: the encoders of its media; None where features were given
    audio_signatures: of the encoders of further audio experts, by their role
    feature_files: where features were given, what `describe_feature_files` says of their files, by role
    hashes: as `compute_hashes`
    """

    dataset: CaptionDataset
    pipeline: FeaturePipeline | None
    audio_signatures: Mapping[str, str]
    notes: tuple[str, ...]
    feature_files: Mapping[str, Mapping[str, Any]]
    hashes: Mapping[str, Any]

    @property
    def encoder_signatures(self) -> dict[str, str]:
        """The signature of the encoder of each role; empty where features were given."""
        if self.pipeline is None:
            return {}
        own = {role: self.pipeline.get_encoder(role).card.signature for role in self.pipeline.media_roles}
        return {**own, **self.audio_signatures}


def load_dataset(
    name: str, data_root: Path, feature_paths: Mapping[str, Path] | Path | None, *, quiet: bool = False
) -> CaptionDataset:
    """A data set by name. Raises UnknownNameError, and AffectError without its files or captions."""
    if name == SYNTHETIC or name.startswith(f"{SYNTHETIC}-"):
        count = name.partition("-")[2] or str(DEFAULT_SYNTHETIC_CLIPS)
        if not count.isdecimal() or int(count) < 1:
            raise AffectError(f"{to_printable(name)}: write it as {SYNTHETIC}-400, a number of clips")
        folder = get_cache_dir() / f"{SYNTHETIC}-{int(count)}"
        dataset = render_dataset(folder, int(count), SEED, quiet=quiet)
    else:
        dataset = load_named_dataset(name, data_root, needs_media=feature_paths is None)
    if dataset.query_rule == "label":
        raise AffectError(
            f"{dataset.name}: its words are class labels, not captions; take a set with captions"
        )
    return dataset if feature_paths is None else replace(dataset, feature_sources=feature_paths)


def ensure_splits(dataset: CaptionDataset, dev_share: float) -> CaptionDataset:
    """The set with all three splits; missing ones are held out of others, which a note states.

    Raises AffectError where the set is too small.
    """
    splits = {item.split for item in dataset.items}
    try:
        if "test" not in splits and "dev" in splits:
            items = tuple(
                replace(item, split="test") if item.split == "dev" else item for item in dataset.items
            )
            note = "reported on the set's dev part: it has no test part here"
            dataset = replace(dataset, items=items, notes=(*dataset.notes, note))
        elif "test" not in splits:
            dataset = hold_out_split(dataset, TEST_SHARE, SEED, target="test")
        if "dev" not in {item.split for item in dataset.items}:
            dataset = hold_out_split(dataset, dev_share, SEED)
    except ValueError as error:
        raise AffectError(
            f"{dataset.name}: {len(dataset.items)} items in {len(set(dataset.groups))} groups are too few to "
            f"be split ({error}); {SPLIT_ADVICE}"
        ) from error
    return dataset.select_splits(*SPLITS)


def prepare_data(
    dataset: CaptionDataset,
    settings: AblationSettings,
    *,
    encoder_spec: str = "",
    audio_encoders: Sequence[str] = (),
    word_vectors_path: Path | None = None,
    quiet: bool = False,
) -> tuple[PreparedData, DataSource]:
    """Encode media and captions, each content once. Raises AffectError.

    audio_encoders: names of encoders of sound whose features are added beside those of the pipeline
    """
    dataset = ensure_splits(dataset, settings.share)
    pipeline = FeaturePipeline(
        PipelineConfig.parse(encoder_spec), use_packaged=False
    )  # without packaged heads, so that zero-shot is untrained
    check_captions(dataset)
    sampling = Sampling(fps=settings.fps, max_frames=settings.most)
    load = partial(load_item_features, dataset=dataset, all_segments=True, sampling=sampling, quiet=quiet)
    audio_pipelines = make_audio_pipelines(dataset, audio_encoders)
    features = {role: rows for role, rows in load(pipeline).items() if role in ROLES}
    features |= {role: load(alone)["sound"] for role, alone in audio_pipelines.items()}
    data, step_count = _encode_captions(dataset, settings, pipeline, features, word_vectors_path)
    notes = (*dataset.notes, *_describe_data(dataset, data, step_count), *describe_missing_features(data))
    sources = dataset.feature_sources
    return data, DataSource(
        dataset=dataset,
        pipeline=pipeline if sources is None else None,
        audio_signatures={
            role: alone.get_encoder("sound").card.signature for role, alone in audio_pipelines.items()
        },
        notes=notes,
        feature_files={} if sources is None else describe_feature_files(sources, dataset.ids),
        hashes=compute_hashes(dataset, data),
    )


def make_audio_pipelines(
    dataset: CaptionDataset, audio_encoders: Sequence[str]
) -> dict[str, FeaturePipeline]:
    """By role a pipeline of one encoder of sound alone.

    Raises AffectError where features are given in place of media, and for what does not encode sound.
    """
    if audio_encoders and dataset.feature_sources is not None:
        raise AffectError(
            "--audio names encoders of media, and --features stands in place of media; give one"
        )
    nothing = PipelineConfig(**dict.fromkeys(PipelineConfig(), ""))
    pipelines = {
        make_audio_role(name): FeaturePipeline(nothing.replace(sound=ENCODERS.resolve(name)))
        for name in audio_encoders
    }
    for pipeline in pipelines.values():
        pipeline.get_encoder("sound")
    return pipelines


def _encode_captions(
    dataset: CaptionDataset,
    settings: AblationSettings,
    pipeline: FeaturePipeline,
    features: Mapping[str, Rows],
    word_vectors_path: Path | None,
) -> tuple[PreparedData, int]:
    """The data with the captions for both text towers, and the number of steps of an epoch over them."""
    captions, caption_items = dataset.flatten_captions()
    item_splits = np.array([SPLITS.index(item.split) for item in dataset.items], np.int64)
    is_training = item_splits[caption_items] == SPLITS.index("train")
    training_captions = [text for text, flag in zip(captions, is_training, strict=True) if flag]
    vocabulary = Vocabulary.from_sentences(training_captions, settings.words.least)
    word_vectors = read_word_vectors(word_vectors_path, vocabulary) if word_vectors_path else None
    data = PreparedData(
        features=features,
        texts={
            "gru": vocabulary.encode(captions, MAX_CAPTION_WORDS),
            "sentence": encode_sentences(pipeline, captions),
        },
        caption_items=caption_items.astype(np.int64),
        item_splits=item_splits,
        vocabulary_size=len(vocabulary),
        word_vectors=word_vectors,
    )
    whole_batches, rest = divmod(len(training_captions), settings.schedule.batch)
    return data, whole_batches + (rest > 1)


def encode_sentences(pipeline: FeaturePipeline, sentences: Sequence[str]) -> Rows:
    """(n, d) unit rows of the text encoder, loaded from the cache where these were encoded before."""
    encoder = pipeline.get_encoder("text")
    key = hashlib.sha256("\n".join([encoder.card.signature, *sentences]).encode()).hexdigest()
    path = get_cache_dir() / "features" / "sentences" / f"{key}.safetensors"
    try:
        return read_safetensors(path).tensors["rows"]
    except MALFORMED_FILE_ERRORS:
        rows = unit_rows(encode_all(encoder, sentences))
        write_safetensors(path, {"rows": np.ascontiguousarray(rows)})
        return rows


def check_captions(dataset: CaptionDataset) -> None:
    """Raises AffectError for a split with fewer items that have captions than MIN_CAPTIONED_ITEMS."""
    counts = Counter(item.split for item in dataset.items if item.captions)
    for split in SPLITS:
        if counts[split] < MIN_CAPTIONED_ITEMS[split]:
            found = f"{counts[split]} item" if counts[split] else "no captions"
            raise AffectError(f"{dataset.name}: {found} in its part {split}; {SPLIT_ADVICE}")


def _describe_data(dataset: CaptionDataset, data: PreparedData, step_count: int) -> tuple[str, str]:
    """Notes on the number of items, captions and words, and on the length of an epoch."""
    counts = Counter(item.split for item in dataset.items)
    items = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    return (
        f"items: {items}; {len(data.caption_items)} captions, {data.vocabulary_size} words in training",
        f"an epoch over all captions is {step_count} steps "
        f"(MSR-VTT Full, which the schedules are for: {MSRVTT_STEPS})",
    )
