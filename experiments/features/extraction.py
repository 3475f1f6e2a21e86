"""Features of files as the engine computes them: decoded by the same pool, encoded by the same experts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, BadMedia, Rows, owners_means, printable
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecoderPool, Failed, Part
from experiments.datasets import Captioned, Labelled, read_features
from experiments.features.cache import Entry, Shelf, digest_of
from experiments.features.reading import FIRST
from experiments.features.streaming import JOBS, Media, Stream
from retrieval.features.pipeline import Experts
from retrieval.progress_reporter import ProgressReporter


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """Rows of all segments of some items.

    rows:   (segments, d) by role, a row of NaN where it has nothing to say
    owner:  (segments,) the item each belongs to, ascending
    times:  (segments, 2) seconds from its file's start; NaN for pictures
    failed: why files could not be read; their items have no segment
    """

    rows: Mapping[str, Rows]
    owner: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    failed: Mapping[Path, str] = field(default_factory=dict)

    def pooled(self, items: int) -> dict[str, Rows]:
        """(items, d) by role: the mean over each item's segments that are not missing, NaN without any."""
        return {
            role: owners_means(rows, self.owner, items).astype(np.float32) for role, rows in self.rows.items()
        }


def first_segments(experts: Experts, paths: Sequence[Path]) -> list[Segment]:
    """The first segment of each file, in order. Raises BadMedia for one that can't be read."""
    found: dict[Path, Segment] = {}
    with DecoderPool(JOBS, Sampling(rate=experts.sound_rate), reader=FIRST) as pool:
        for event in pool.read(dict.fromkeys(paths)):
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Part):
                found[event.path] = event.segment
    return [found[path] for path in paths]


def features_of(experts: Experts, files: Sequence[Labelled], *, affect: bool = False) -> dict[str, Rows]:
    """Raw rows by role of each file's first segment, computed anew. Raises BadMedia if one can't be read."""
    failed: dict[Path, str] = {}
    stream = Stream(experts, Sampling(rate=experts.sound_rate), every=False, failed=failed, affect=affect)
    found = dict(stream.entries({str(one.path): (one.path,) for one in files}))
    if failed:
        raise BadMedia(*next(iter(failed.items())))
    made = [found[str(one.path)] for one in files]
    return {role: np.concatenate([entries[role].rows for entries in made]) for role in made[0]}


def item_rows(
    experts: Experts, data: Captioned, *, every: bool = False, sampling: Sampling | None = None,
    folder: Path | None = None, quiet: bool = False,
) -> dict[str, Rows]:  # fmt: skip
    """Raw rows (items, d) by role of a data set: its feature files if it names some, else its media encoded.

    Files that can't be read are warned of and have missing rows. Other arguments as for `encoded`.
    Raises AffectError where an item has neither.
    """
    if data.features is not None:
        return read_features(data.features, data.ids)
    if bare := [item.id for item in data.items if not item.media]:
        raise AffectError(
            f"{data.name}: no file of {bare[0]} and {len(bare) - 1} more; name their folder, or feature files"
        )
    media = [item.media for item in data.items]
    found = encoded(experts, media, every=every, sampling=sampling, folder=folder, quiet=quiet)
    for path, why in found.failed.items():
        warnings.warn(f"{printable(path)}: {why}", stacklevel=2)
    return found.pooled(len(media))


def encoded(
    experts: Experts, media: Sequence[Media], *, every: bool = False, sampling: Sampling | None = None,
    folder: Path | None = None, quiet: bool = False,
) -> Seen:  # fmt: skip
    """Raw rows of items by all media roles of the recipe, each content encoded once and kept on disk.

    media:    the file of each item; several pictures are the frames of one clip
    every:    all segments of a file, or its first alone
    sampling: how densely to look, by default as the engine does; the sound's rate is the experts' own
    folder:   where features are kept, by default in the cache folder

    A run that was stopped goes on where it was. Raises AffectError for a recipe without media roles.
    """
    if not experts.media_roles:
        raise AffectError("no encoder reads media; name one, such as objects=efficientnet-lite2")
    sampling = replace(sampling or Sampling(), rate=experts.sound_rate)
    shelves = {role: Shelf(experts.role(role).card, sampling, every, folder) for role in experts.media_roles}
    failed: dict[Path, str] = {}
    digests = [_digest(files, failed) for files in media]
    found = {digest: _kept(shelves, digest) for digest in digests if digest}
    todo: dict[tuple[str, ...], dict[str, Media]] = {}
    for files, digest in zip(media, digests, strict=True):
        if digest and (lacking := tuple(role for role in shelves if role not in found[digest])):
            todo.setdefault(lacking, {})[digest] = files
    done, total = 0, sum(map(len, todo.values()))
    with ProgressReporter("features", unit="items", quiet=quiet) as report:
        report.update("encoding", 0, total)
        for roles, wanted in todo.items():
            stream = Stream(_only(experts, roles), sampling, every=every, failed=failed)
            for digest, made in stream.entries(wanted):
                for role, entry in made.items():
                    shelves[role].put(digest, entry)
                found[digest] |= made
                done += 1
                report.update("encoding", done, total)
    return _gathered([found.get(digest, {}) for digest in digests], shelves, failed)


def _digest(files: Media, failed: dict[Path, str]) -> str:
    """Of an item's files; empty where one can't be read."""
    try:
        return digest_of(files)
    except OSError as bad:
        failed[Path(bad.filename or files[0])] = (bad.strerror or str(bad)).lower()
        return ""


def _kept(shelves: Mapping[str, Shelf], digest: str) -> dict[str, Entry]:
    return {role: entry for role, shelf in shelves.items() if (entry := shelf.get(digest)) is not None}


def _only(experts: Experts, roles: Sequence[str]) -> Experts:
    """The same experts in these media roles alone."""
    out = {role: "" for role in experts.media_roles if role not in roles}
    return Experts(replace(experts.recipe, **out)) if out else experts


def _gathered(
    found: Sequence[Mapping[str, Entry]], shelves: Mapping[str, Shelf], failed: Mapping[Path, str]
) -> Seen:
    whole = {index: entries for index, entries in enumerate(found) if len(entries) == len(shelves)}
    rows = {
        role: np.concatenate(
            [np.empty((0, shelf.card.dim), np.float32), *(entries[role].rows for entries in whole.values())]
        )
        for role, shelf in shelves.items()
    }
    times = [next(iter(entries.values())).times for entries in whole.values()]
    owner = np.repeat(np.array(list(whole), np.int64), [len(one) for one in times])
    return Seen(rows=rows, owner=owner, times=np.concatenate([np.empty((0, 2)), *times]), failed=failed)
