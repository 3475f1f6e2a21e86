"""What a library's captions give its spaces to learn from, counted before any work and then made ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, batched, encode_all, missing, owners_means, printable, unit_rows
from retrieval.features.pipeline import Experts
from retrieval.storage.library import Library
from retrieval.training.captioned_items import CaptionedItems, match_captions
from retrieval.training.captions_csv import Told
from retrieval.training.cross_validation import Lesson, zero_shot_rows
from retrieval.training.data_requirements import NEEDS, Supply, caption_kinds, measure_supply
from spaces.base import Space
from spaces.joint.space import TEXT
from spaces.joint.training_set import Material

ROLES = {"object": "objects", "activity": "activity", "audio": "sound"}
TEXTS_AT_ONCE = 128  # captions read between two reports of progress

Ints = npt.NDArray[np.int64]
Progress = Callable[[str, float, float], None]  # what is being done, how much of it is done, of how much
Encode = Callable[[Sequence[str]], Rows]


@dataclass(frozen=True, kw_only=True, eq=False)
class Preparation:
    """What a library has to learn from, before anything is trained.

    rows:     by role (items, d), NaN where missing
    supplies: what there is for each space
    """

    experts: Experts
    captioned: CaptionedItems
    rows: Mapping[str, Rows]
    supplies: Mapping[str, Supply]

    def messages(self) -> list[str]:
        """Lines to read before work begins: files left out, and what is here and needed, a line a space."""
        needs = [f"{supply.describe()} (needs {NEEDS})" for supply in self.supplies.values()]
        return [*self.captioned.messages(), *needs]


def prepare(library: Library, table: Sequence[Told]) -> Preparation:
    """Find the captioned items and count what each space could learn from, without the split "test".

    Raises AffectError where no caption is of an item, or no space has enough to learn from.
    """
    captioned, experts = match_captions(library, table), Experts(library.recipe)
    if not library.recipe.text:
        raise AffectError(
            f"{printable(library.folder)}: made without an encoder of text: it can't learn words"
        )
    rows = {role: _item_rows(library, role, captioned.items) for role in experts.media_roles}
    supplies = {}
    for space in experts.spaces:
        here = _items_here(rows, ROLES[space.name])
        supplies[space.name] = measure_supply(
            space.name, [captioned.captions[at] for at in here], [captioned.groups[at] for at in here]
        )
    found = Preparation(experts=experts, captioned=captioned, rows=rows, supplies=supplies)
    if not any(supply.suffices for supply in supplies.values()):
        counted = "; ".join(supply.describe() for supply in supplies.values())
        left_out = "".join(f"; {line}" for line in captioned.messages())
        raise AffectError(f"too little to learn from: a space needs {NEEDS}; {counted}{left_out}")
    return found


def lessons_of(found: Preparation, progress: Progress) -> dict[str, Lesson]:
    """What each space that has enough to learn from learns from, by its name; every caption is read once."""
    encode = _encoder_of_texts(found, progress)
    lessons = {}
    for space in found.experts.spaces:
        if found.supplies[space.name].suffices:
            about = found.captioned
            lesson = lesson_of(found.experts, space, found.rows, about.captions, about.groups, encode)
            if lesson is not None:
                lessons[space.name] = lesson
    return lessons


def lesson_of(
    experts: Experts, space: Space, rows: Mapping[str, Rows], captions: Sequence[Sequence[str]],
    groups: Sequence[str], encode: Encode | None = None,
) -> Lesson | None:  # fmt: skip
    """What a space can learn from; None where no item has rows of its role, or words can't be read.

    rows: by role (items, d), NaN where missing; captions, groups: (items,)
    encode: raw sentence vectors of texts; by default the text expert's
    """
    role = ROLES[space.name]
    here = _items_here(rows, role)
    if not experts.recipe.text or not len(here):
        return None
    texts = [caption for at in here for caption in captions[int(at)]]
    owner = np.repeat(np.arange(len(here)), [len(captions[int(at)]) for at in here])
    raw = encode(texts) if encode else encode_all(experts.role(TEXT), texts)
    material = Material(
        media={role: rows[role][here]}, texts=unit_rows(raw), owner=owner,
        kinds=caption_kinds(texts, owner, len(here)),
    )  # fmt: skip
    return Lesson(
        material=material,
        groups=[groups[int(at)] for at in here],
        encoders={one: experts.role(one).card.signature for one in (role, TEXT)},
        zero_shot=zero_shot_rows(space, {one: found[here] for one, found in rows.items()}, raw),
    )


def _items_here(rows: Mapping[str, Rows], role: str) -> Ints:
    """Numbers of the items that have a row of this role."""
    return np.flatnonzero(~missing(rows[role])) if role in rows else np.empty(0, np.int64)


def _encoder_of_texts(found: Preparation, progress: Progress) -> Encode:
    """Reads every caption that some space learns from once, whichever spaces ask for it."""
    needed = [ROLES[name] for name, supply in found.supplies.items() if supply.suffices]
    here = sorted({int(at) for role in needed for at in _items_here(found.rows, role)})
    texts = list(dict.fromkeys(caption for at in here for caption in found.captioned.captions[at]))
    encoder, chunks, done = found.experts.role(TEXT), [], 0
    for chunk in batched(texts, TEXTS_AT_ONCE):
        chunks.append(encode_all(encoder, chunk))
        done += len(chunk)
        progress("reading captions", done, len(texts))
    rows, place = np.concatenate(chunks), {text: at for at, text in enumerate(texts)}
    return lambda wanted: rows[[place[text] for text in wanted]]


def _item_rows(library: Library, role: str, items: Sequence[str]) -> Rows:
    """(items, d) the mean of each item's segments, NaN where none has a row."""
    store = library.catalog.stores().get(role)
    if store is None:
        return np.full((len(items), 1), np.nan, np.float32)
    place = {item: at for at, item in enumerate(items)}
    found = library.catalog.all(
        "SELECT item, row FROM rows JOIN segments ON segments.id = segment WHERE store = ?", role
    )
    pairs = np.array([(place[item], row) for item, row in found if item in place], np.int64).reshape(-1, 2)
    rows = library.mapped(store)[pairs[:, 1]]
    return owners_means(rows, pairs[:, 0], len(items)).astype(np.float32)
