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

from encoders.base import AffectError, Rows, encode_all, missing, printable, unit_rows
from encoders.media import Sampling
from encoders.onnx_runtime import cache_dir, write_whole
from experiments.ablation.settings import Settings
from experiments.ablation.table_rows import ROLES, Text
from experiments.datasets import Captioned, carved, named
from experiments.features.extraction import item_rows
from experiments.synthetic import made
from retrieval.features.pipeline import Experts, Recipe
from spaces.joint.training_set import Material
from spaces.joint.vocabulary import Tokens, Vocabulary, read_word_vectors

Ints = npt.NDArray[np.int64]

PARTS = ("train", "dev", "test")
SYNTHETIC, CLIPS = "synthetic", 400
TEST_SHARE = 0.2  # where a set has no parts at all
SEED = 0  # of the split and of the synthetic set
LONGEST = 64  # words of a caption


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """Items and captions.

    media:   (items, d) by role, NaN where it says nothing
    texts:   (captions, length) word numbers ("gru") and (captions, d) sentence vectors ("sentence")
    owner:   (captions,) the item of each, ascending
    split:   (items,) a number in PARTS
    words:   size of the vocabulary
    vectors: (words, d) to begin with, or None
    """

    media: Mapping[str, Rows]
    texts: Mapping[str, Rows | Tokens]
    owner: Ints
    split: Ints
    words: int
    vectors: Rows | None = None

    @cached_property
    def present(self) -> tuple[str, ...]:
        """Roles that say something in training and in what is reported on."""
        return tuple(
            role
            for role in ROLES
            if role in self.media
            and all((~missing(self.media[role][self.items(part)])).sum() >= 2 for part in ("train", "test"))
        )

    def items(self, part: str) -> Ints:
        """The numbers of a part's items."""
        return np.flatnonzero(self.split == PARTS.index(part))

    def captions(self, part: str) -> Ints:
        """The numbers of a part's captions."""
        return np.flatnonzero(self.split[self.owner] == PARTS.index(part))

    def material(self, part: str, roles: Sequence[str], text: Text) -> Material:
        """A part as heads take it."""
        media = {role: self.media[role] for role in roles}
        return Material(media=media, texts=self.texts[text], owner=self.owner).part(self.items(part))

    def digest(self, roles: Sequence[str], text: Text) -> str:
        """Of all that a space of these roles and this text tower is trained and measured with."""
        used = [*(f"media/{role}" for role in roles), f"texts/{text}", "owner", "split", "words"]
        used += ["vectors"] * (text == "gru" and self.vectors is not None)
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
        arrays: dict[str, Any] = {f"media/{role}": rows for role, rows in self.media.items()}
        arrays |= {f"texts/{name}": rows for name, rows in self.texts.items()}
        arrays |= {"owner": self.owner, "split": self.split, "words": np.array([self.words])}
        if self.vectors is not None:
            arrays["vectors"] = self.vectors
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def save(self, file: Path) -> None:
        """For the processes that train."""
        save_file(self._arrays, file)

    @classmethod
    def load(cls, file: Path) -> Self:
        """What `save` wrote."""
        arrays = load_file(file)

        def inside(what: str) -> dict[str, Any]:
            return {n.removeprefix(what): array for n, array in arrays.items() if n.startswith(what)}

        return cls(
            media=inside("media/"),
            texts=inside("texts/"),
            owner=arrays["owner"],
            split=arrays["split"],
            words=int(arrays["words"][0]),
            vectors=arrays.get("vectors"),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Where a corpus comes from; `experts` encoded its media, None where features were given."""

    data: Captioned
    experts: Experts | None
    notes: tuple[str, ...]

    @property
    def encoders(self) -> dict[str, str]:
        """What made the rows, by role."""
        if self.experts is None:
            return {}
        return {role: self.experts.role(role).card.signature for role in self.experts.media_roles}


def found(
    name: str, root: Path, features: Mapping[str, Path] | Path | None, *, quiet: bool = False
) -> Captioned:
    """A data set by name. Raises AffectError for one that is not there or has no captions, UnknownName."""
    if name == SYNTHETIC or name.startswith(f"{SYNTHETIC}-"):
        count = name.partition("-")[2] or str(CLIPS)
        if not count.isdecimal() or int(count) < 1:
            raise AffectError(f"{printable(name)}: write it as {SYNTHETIC}-400, a number of clips")
        data = made(cache_dir() / f"{SYNTHETIC}-{int(count)}", int(count), SEED, quiet=quiet)
    else:
        data = named(name, root)
    if data.rule == "label":
        raise AffectError(f"{data.name}: its words are class labels, not captions; take a set with captions")
    return replace(data, features=features) if features is not None else data


def parted(data: Captioned, share: float) -> Captioned:
    """The set with all three parts: those it lacks are taken out of others, and a note says so.

    Raises AffectError where that can't be done.
    """
    here = {item.split for item in data.items}
    try:
        if "test" not in here and "dev" in here:
            items = tuple(replace(i, split="test") if i.split == "dev" else i for i in data.items)
            note = "reported on the set's dev part: it has no test part here"
            data = replace(data, items=items, notes=(*data.notes, note))
        elif "test" not in here:
            data = carved(data, TEST_SHARE, SEED, into="test")
        if "dev" not in {item.split for item in data.items}:
            data = carved(data, share, SEED)
    except ValueError as bad:
        raise AffectError(f"{data.name}: too small to be split ({bad})") from bad
    return data.part(*PARTS)


def prepared(
    data: Captioned,
    settings: Settings,
    *,
    encoders: str = "",
    word_vectors: Path | None = None,
    quiet: bool = False,
) -> tuple[Corpus, Source]:
    """Everything encoded, once for each content. Raises AffectError."""
    data = parted(data, settings.share)
    experts = Experts(Recipe.parse(encoders), packaged=False)  # zero-shot is without trained heads
    sampling = Sampling(fps=settings.fps, most=settings.most)
    said, owner = data.texts()
    split = np.array([PARTS.index(item.split) for item in data.items], np.int64)
    training = [text for text, item in zip(said, owner, strict=True) if split[item] == 0]
    for part in PARTS:
        if not (split[owner] == PARTS.index(part)).any():
            raise AffectError(f"{data.name}: no captions in its part {part}")
    vocabulary = Vocabulary.of(training, settings.words.least)
    vectors = read_word_vectors(word_vectors, vocabulary) if word_vectors else None
    media = item_rows(experts, data, every=True, sampling=sampling, quiet=quiet)
    corpus = Corpus(
        media={role: media[role] for role in ROLES if role in media},
        texts={"gru": vocabulary.tokens(said, LONGEST), "sentence": sentence_rows(experts, said)},
        owner=owner.astype(np.int64),
        split=split,
        words=len(vocabulary),
        vectors=vectors,
    )
    counts = Counter(item.split for item in data.items)
    told = ", ".join(f"{counts[part]} {part}" for part in PARTS)
    steps = -(-len(training) // settings.schedule.batch)
    notes = (
        *data.notes,
        f"items: {told}; {len(said)} captions, {len(vocabulary)} words in training",
        f"an epoch over all captions is {steps} steps (MSR-VTT Full, which the schedules are for: 1018)",
    )
    return corpus, Source(data=data, experts=experts if data.features is None else None, notes=notes)


def sentence_rows(experts: Experts, sentences: Sequence[str]) -> Rows:
    """(n, d) unit rows of the text expert, read from the cache where these were encoded before."""
    text = experts.role("text")
    key = hashlib.sha256("\n".join([text.card.signature, *sentences]).encode()).hexdigest()
    file = cache_dir() / "features" / "sentences" / f"{key}.safetensors"
    try:
        return load(file.read_bytes())["rows"]
    except (FileNotFoundError, SafetensorError, KeyError):
        rows = unit_rows(encode_all(text, sentences))
        write_whole(file, save({"rows": np.ascontiguousarray(rows)}))
        return rows
