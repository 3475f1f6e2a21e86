"""What a library's captions give its spaces to learn from, counted before any work and then made ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import (
    AffectError,
    Rows,
    average_by_owner,
    batched,
    encode_all,
    is_missing_row,
    to_printable,
    unit_rows,
)
from retrieval.features import SPACE_SPECS, FeaturePipeline
from retrieval.storage import Library
from retrieval.training.captioned_items import CaptionedItems, match_captions
from retrieval.training.captions_csv import CaptionedFile
from retrieval.training.data_requirements import (
    REQUIREMENTS_TEXT,
    TrainingDataCounts,
    assign_caption_classes,
    count_training_data,
)
from retrieval.training.ensemble import TrainingData, project_zero_shot
from spaces import Space
from spaces.joint import TEXT_ROLE, TrainingSet

TEXT_BATCH_SIZE = 128  # captions read between two reports of progress

Ints = npt.NDArray[np.int64]
ProgressCallback = Callable[
    [str, float, float], None
]  # what is being done, how much of it is done, of how much
EncodeFunction = Callable[[Sequence[str]], Rows]


@dataclass(frozen=True, kw_only=True, eq=False)
class LibraryTrainingData:
    """What a library has to learn from, before anything is trained.

    features: by role (items, d), NaN where missing
    counts_by_space: what there is for each space
    """

    pipeline: FeaturePipeline
    captioned_items: CaptionedItems
    features: Mapping[str, Rows]
    counts_by_space: Mapping[str, TrainingDataCounts]

    def format_messages(self) -> list[str]:
        """Lines to read before work begins: files left out, and what is here and needed, a line a space."""
        needs = [
            f"{supply.describe()} (needs {REQUIREMENTS_TEXT})" for supply in self.counts_by_space.values()
        ]
        return [*self.captioned_items.format_messages(), *needs]


def prepare_training_data(library: Library, captioned_files: Sequence[CaptionedFile]) -> LibraryTrainingData:
    """Find the captioned items and count what each space could learn from, without the split "test".

    Raises AffectError where no caption is of an item, or no space has enough to learn from, and
    MissingBackendError where an encoder is not here, without which no heads can be installed.
    """
    library.pipeline.require_encoders()
    captioned, experts = match_captions(library, captioned_files), FeaturePipeline(library.config)
    if not experts.has_role(TEXT_ROLE):
        raise AffectError(
            f"{to_printable(library.folder)}: made without an encoder of text: it can't learn words"
        )
    rows = {role: _load_item_features(library, role, captioned.item_ids) for role in experts.media_roles}
    supplies = {}
    for space in experts.spaces:
        here = _find_items_with_role(rows, SPACE_SPECS[space.name].role)
        supplies[space.name] = count_training_data(
            space.name, [captioned.captions[at] for at in here], [captioned.groups[at] for at in here]
        )
    found = LibraryTrainingData(
        pipeline=experts, captioned_items=captioned, features=rows, counts_by_space=supplies
    )
    if not any(supply.is_sufficient for supply in supplies.values()):
        counted = "; ".join(supply.describe() for supply in supplies.values())
        left_out = "".join(f"; {line}" for line in captioned.format_messages())
        raise AffectError(f"too little to learn from: a space needs {REQUIREMENTS_TEXT}; {counted}{left_out}")
    return found


def make_training_data_by_space(
    library_data: LibraryTrainingData, on_progress: ProgressCallback
) -> dict[str, TrainingData]:
    """What each space that has enough to learn from learns from, by its name; every caption is read once."""
    encode = _make_caching_text_encoder(library_data, on_progress)
    lessons = {}
    for space in library_data.pipeline.spaces:
        if library_data.counts_by_space[space.name].is_sufficient:
            about = library_data.captioned_items
            lesson = make_training_data(
                library_data.pipeline, space, library_data.features, about.captions, about.groups, encode
            )
            if lesson is not None:
                lessons[space.name] = lesson
    return lessons


def make_training_data(
    pipeline: FeaturePipeline, space: Space, features: Mapping[str, Rows], captions: Sequence[Sequence[str]],
    groups: Sequence[str], encode: EncodeFunction | None = None,
) -> TrainingData | None:  # fmt: skip
    """What a space can learn from; None where no item has rows of its role, or words can't be read.

    features: by role (items, d), NaN where missing; captions, groups: (items,)
    encode: raw sentence vectors of texts; by default the text expert's
    """
    role = SPACE_SPECS[space.name].role
    here = _find_items_with_role(features, role)
    if not pipeline.has_role("text") or not len(here):
        return None
    texts = [caption for at in here for caption in captions[int(at)]]
    owner = np.repeat(np.arange(len(here)), [len(captions[int(at)]) for at in here])
    raw = encode(texts) if encode else encode_all(pipeline.get_encoder(TEXT_ROLE), texts)
    material = TrainingSet(
        features={role: features[role][here]}, texts=unit_rows(raw), item_by_text=owner,
        classes=assign_caption_classes(texts, owner, len(here)),
    )  # fmt: skip
    return TrainingData(
        training_set=material,
        groups=[groups[int(at)] for at in here],
        encoder_signatures={one: pipeline.get_encoder(one).card.signature for one in (role, TEXT_ROLE)},
        zero_shot_embeddings=project_zero_shot(
            space, {one: found[here] for one, found in features.items()}, raw
        ),
    )


def _find_items_with_role(features: Mapping[str, Rows], role: str) -> Ints:
    """Numbers of the items that have a row of this role."""
    return np.flatnonzero(~is_missing_row(features[role])) if role in features else np.empty(0, np.int64)


def _make_caching_text_encoder(
    library_data: LibraryTrainingData, on_progress: ProgressCallback
) -> EncodeFunction:
    """Reads every caption that some space learns from once, whichever spaces ask for it."""
    needed = [
        SPACE_SPECS[name].role
        for name, supply in library_data.counts_by_space.items()
        if supply.is_sufficient
    ]
    here = sorted({int(at) for role in needed for at in _find_items_with_role(library_data.features, role)})
    texts = list(
        dict.fromkeys(caption for at in here for caption in library_data.captioned_items.captions[at])
    )
    encoder, chunks, done = library_data.pipeline.get_encoder(TEXT_ROLE), [], 0
    for chunk in batched(texts, TEXT_BATCH_SIZE):
        chunks.append(encode_all(encoder, chunk))
        done += len(chunk)
        on_progress("reading captions", done, len(texts))
    rows, place = np.concatenate(chunks), {text: at for at, text in enumerate(texts)}
    return lambda wanted: rows[[place[text] for text in wanted]]


def _load_item_features(library: Library, role: str, item_ids: Sequence[str]) -> Rows:
    """(items, d) the mean of each item's segments, NaN where none has a row."""
    store = library.catalog.list_vector_files().get(role)
    if store is None:
        return np.full((len(item_ids), 1), np.nan, np.float32)
    place = {item: at for at, item in enumerate(item_ids)}
    pairs = np.array(
        [
            (place[item], row)
            for item, row in zip(*library.vectors.load_rows_by_item(role), strict=True)
            if item in place
        ],
        np.int64,
    ).reshape(-1, 2)
    rows = library.vectors.open(store)[pairs[:, 1]]
    return average_by_owner(rows, pairs[:, 0], len(item_ids)).astype(np.float32)
