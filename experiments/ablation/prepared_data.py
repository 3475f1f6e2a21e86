"""A data set made ready: items' rows by role, their captions for both text towers, and the three parts.

"train" trains, "dev" picks the epoch, "test" is reported on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, load_file, save, save_file

from encoders.base import AffectError, Rows, encode_all, is_missing_row, to_printable, unit_rows
from encoders.files import get_cache_dir, write_atomically
from encoders.media import Sampling
from experiments.ablation.settings import AblationSettings
from experiments.ablation.table_rows import ROLES, TextTower
from experiments.datasets import CaptionDataset, hold_out_split, load_named_dataset
from experiments.features.extraction import load_item_features
from experiments.synthetic import render_dataset
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from spaces.joint.training_set import TrainingSet
from spaces.joint.vocabulary import TokenIds, Vocabulary, read_word_vectors

Ints = npt.NDArray[np.int64]

SPLITS = ("train", "dev", "test")
SYNTHETIC, DEFAULT_SYNTHETIC_CLIPS = "synthetic", 400
TEST_SHARE = 0.2  # where a set has no parts at all
SEED = 0  # of the split and of the synthetic set
MAX_CAPTION_WORDS = 64  # words of a caption


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedData:
    """Items and captions.

    features: (items, d) by role, NaN where it says nothing
    texts:   (captions, length) word numbers ("gru") and (captions, d) sentence vectors ("sentence")
    caption_items: (captions,) the item of each, ascending
    item_splits: (items,) a number in PARTS
    vocabulary_size: size of the vocabulary
    word_vectors: (words, d) to begin with, or None
    """

    features: Mapping[str, Rows]
    texts: Mapping[str, Rows | TokenIds]
    caption_items: Ints
    item_splits: Ints
    vocabulary_size: int
    word_vectors: Rows | None = None

    @cached_property
    def present_roles(self) -> tuple[str, ...]:
        """Roles that say something in training and in what is reported on."""
        return tuple(
            role
            for role in ROLES
            if role in self.features
            and all(
                (~is_missing_row(self.features[role][self.select_items(part)])).sum() >= 2
                for part in ("train", "test")
            )
        )

    def select_items(self, split: str) -> Ints:
        """The numbers of a part's items."""
        return np.flatnonzero(self.item_splits == SPLITS.index(split))

    def select_captions(self, split: str) -> Ints:
        """The numbers of a part's captions."""
        return np.flatnonzero(self.item_splits[self.caption_items] == SPLITS.index(split))

    def make_training_set(self, split: str, roles: Sequence[str], text_tower: TextTower) -> TrainingSet:
        """A part as heads take it."""
        media = {role: self.features[role] for role in roles}
        return TrainingSet(
            features=media, texts=self.texts[text_tower], item_by_text=self.caption_items
        ).select_items(self.select_items(split))

    def compute_digest(self, roles: Sequence[str], text_tower: TextTower) -> str:
        """Of all that a space of these roles and this text tower is trained and measured with."""
        used = [*(f"media/{role}" for role in roles), f"texts/{text_tower}", "owner", "split", "words"]
        used += ["vectors"] * (text_tower == "gru" and self.word_vectors is not None)
        return hashlib.sha256("".join(self._digests[name] for name in used).encode()).hexdigest()

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {
            name: hashlib.sha256(f"{name}{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()
            for name, array in self._arrays.items()
        }

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        """All of it by name, contiguous."""
        arrays: dict[str, Any] = {f"media/{role}": rows for role, rows in self.features.items()}
        arrays |= {f"texts/{name}": rows for name, rows in self.texts.items()}
        arrays |= {
            "owner": self.caption_items,
            "split": self.item_splits,
            "words": np.array([self.vocabulary_size]),
        }
        if self.word_vectors is not None:
            arrays["vectors"] = self.word_vectors
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def save(self, path: Path) -> None:
        """For the processes that train."""
        save_file(self._arrays, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote."""
        arrays = load_file(path)

        def select_prefix(prefix: str) -> dict[str, Any]:
            return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}

        return cls(
            features=select_prefix("media/"),
            texts=select_prefix("texts/"),
            caption_items=arrays["owner"],
            item_splits=arrays["split"],
            vocabulary_size=int(arrays["words"][0]),
            word_vectors=arrays.get("vectors"),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSource:
    """Where a corpus comes from; `pipeline` encoded its media, None where features were given."""

    dataset: CaptionDataset
    pipeline: FeaturePipeline | None
    notes: tuple[str, ...]

    @property
    def encoder_signatures(self) -> dict[str, str]:
        """What made the rows, by role."""
        if self.pipeline is None:
            return {}
        return {role: self.pipeline.get_encoder(role).card.signature for role in self.pipeline.media_roles}


def load_dataset(
    name: str, data_root: Path, feature_paths: Mapping[str, Path] | Path | None, *, quiet: bool = False
) -> CaptionDataset:
    """A data set by name. Raises UnknownNameError, and AffectError without its files or captions."""
    if name == SYNTHETIC or name.startswith(f"{SYNTHETIC}-"):
        count = name.partition("-")[2] or str(DEFAULT_SYNTHETIC_CLIPS)
        if not count.isdecimal() or int(count) < 1:
            raise AffectError(f"{to_printable(name)}: write it as {SYNTHETIC}-400, a number of clips")
        data = render_dataset(get_cache_dir() / f"{SYNTHETIC}-{int(count)}", int(count), SEED, quiet=quiet)
    else:
        data = load_named_dataset(name, data_root)
    if data.query_rule == "label":
        raise AffectError(f"{data.name}: its words are class labels, not captions; take a set with captions")
    return replace(data, feature_sources=feature_paths) if feature_paths is not None else data


def ensure_splits(dataset: CaptionDataset, dev_share: float) -> CaptionDataset:
    """The set with all three parts: those it lacks are taken out of others, and a note says so.

    Raises AffectError where that can't be done.
    """
    here = {item.split for item in dataset.items}
    try:
        if "test" not in here and "dev" in here:
            items = tuple(replace(i, split="test") if i.split == "dev" else i for i in dataset.items)
            note = "reported on the set's dev part: it has no test part here"
            dataset = replace(dataset, items=items, notes=(*dataset.notes, note))
        elif "test" not in here:
            dataset = hold_out_split(dataset, TEST_SHARE, SEED, target="test")
        if "dev" not in {item.split for item in dataset.items}:
            dataset = hold_out_split(dataset, dev_share, SEED)
    except ValueError as bad:
        raise AffectError(f"{dataset.name}: too small to be split ({bad})") from bad
    return dataset.select_splits(*SPLITS)


def prepare_data(
    dataset: CaptionDataset,
    settings: AblationSettings,
    *,
    encoder_spec: str = "",
    word_vectors_path: Path | None = None,
    quiet: bool = False,
) -> tuple[PreparedData, DataSource]:
    """Everything encoded, once for each content. Raises AffectError."""
    dataset = ensure_splits(dataset, settings.share)
    experts = FeaturePipeline(
        PipelineConfig.parse(encoder_spec), use_packaged=False
    )  # zero-shot is without trained heads
    sampling = Sampling(fps=settings.fps, max_frames=settings.most)
    said, owner = dataset.flatten_captions()
    split = np.array([SPLITS.index(item.split) for item in dataset.items], np.int64)
    training = [text for text, item in zip(said, owner, strict=True) if split[item] == 0]
    for part in SPLITS:
        if not (split[owner] == SPLITS.index(part)).any():
            raise AffectError(f"{dataset.name}: no captions in its part {part}")
    vocabulary = Vocabulary.from_sentences(training, settings.words.least)
    vectors = read_word_vectors(word_vectors_path, vocabulary) if word_vectors_path else None
    media = load_item_features(experts, dataset, all_segments=True, sampling=sampling, quiet=quiet)
    corpus = PreparedData(
        features={role: media[role] for role in ROLES if role in media},
        texts={
            "gru": vocabulary.encode(said, MAX_CAPTION_WORDS),
            "sentence": encode_sentences(experts, said),
        },
        caption_items=owner.astype(np.int64),
        item_splits=split,
        vocabulary_size=len(vocabulary),
        word_vectors=vectors,
    )
    counts = Counter(item.split for item in dataset.items)
    told = ", ".join(f"{counts[part]} {part}" for part in SPLITS)
    steps = -(-len(training) // settings.schedule.batch)
    notes = (
        *dataset.notes,
        f"items: {told}; {len(said)} captions, {len(vocabulary)} words in training",
        f"an epoch over all captions is {steps} steps (MSR-VTT Full, which the schedules are for: 1018)",
    )
    return corpus, DataSource(
        dataset=dataset, pipeline=experts if dataset.feature_sources is None else None, notes=notes
    )


def encode_sentences(pipeline: FeaturePipeline, sentences: Sequence[str]) -> Rows:
    """(n, d) unit rows of the text expert, read from the cache where these were encoded before."""
    text = pipeline.get_encoder("text")
    key = hashlib.sha256("\n".join([text.card.signature, *sentences]).encode()).hexdigest()
    file = get_cache_dir() / "features" / "sentences" / f"{key}.safetensors"
    try:
        return load(file.read_bytes())["rows"]
    except (FileNotFoundError, SafetensorError, KeyError):
        rows = unit_rows(encode_all(text, sentences))
        write_atomically(file, save({"rows": np.ascontiguousarray(rows)}))
        return rows
