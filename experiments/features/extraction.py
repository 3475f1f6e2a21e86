"""Features of files as the engine computes them: decoded by the same pool, encoded by the same experts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, MediaError, Rows, average_by_owner, to_printable
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, FailedFile
from experiments.datasets import CaptionDataset, LabelledFile, read_features
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.features.reading import FIRST_SEGMENT_READER
from experiments.features.streaming import DECODER_PROCESSES, MediaPaths, StreamingEncoder
from retrieval.features.pipeline import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedItems:
    """Rows of all segments of some items.

    features: (segments, d) by role, a row of NaN where it has nothing to say
    item_by_segment: (segments,) the item each belongs to, ascending
    segment_times: (segments, 2) seconds from its file's start; NaN for pictures
    error_by_path: why files could not be read; their items have no segment
    """

    features: Mapping[str, Rows]
    item_by_segment: npt.NDArray[np.int64]
    segment_times: npt.NDArray[np.float64]
    error_by_path: Mapping[Path, str] = field(default_factory=dict)

    def mean_pool(self, item_count: int) -> dict[str, Rows]:
        """(items, d) by role: the mean over each item's segments that are not missing, NaN without any."""
        return {
            role: average_by_owner(rows, self.item_by_segment, item_count).astype(np.float32)
            for role, rows in self.features.items()
        }


def decode_first_segments(pipeline: FeaturePipeline, paths: Sequence[Path]) -> list[Segment]:
    """The first segment of each file, in order. Raises MediaError for one that can't be read."""
    found: dict[Path, Segment] = {}
    with DecoderPool(
        DECODER_PROCESSES, Sampling(sample_rate=pipeline.sample_rate), reader=FIRST_SEGMENT_READER
    ) as pool:
        for event in pool.read(dict.fromkeys(paths)):
            if isinstance(event, FailedFile):
                raise event.error
            if isinstance(event, DecodedSegment):
                found[event.path] = event.segment
    return [found[path] for path in paths]


def encode_first_segments(
    pipeline: FeaturePipeline, files: Sequence[LabelledFile], *, include_affect: bool = False
) -> dict[str, Rows]:
    """Raw rows by role of each file's first segment, computed anew. Raises MediaError if unreadable."""
    failed: dict[Path, str] = {}
    stream = StreamingEncoder(
        pipeline,
        Sampling(sample_rate=pipeline.sample_rate),
        all_segments=False,
        error_by_path=failed,
        include_affect=include_affect,
    )
    found = dict(stream.encode({str(one.path): (one.path,) for one in files}))
    if failed:
        raise MediaError(*next(iter(failed.items())))
    made = [found[str(one.path)] for one in files]
    return {role: np.concatenate([entries[role].features for entries in made]) for role in made[0]}


def load_item_features(
    pipeline: FeaturePipeline,
    dataset: CaptionDataset,
    *,
    all_segments: bool = False,
    sampling: Sampling | None = None,
    cache_folder: Path | None = None,
    quiet: bool = False,
) -> dict[str, Rows]:
    """Raw rows (items, d) by role of a data set: its feature files if it names some, else its media encoded.

    Files that can't be read are warned of and have missing rows. Other arguments as for `encode_items`.
    Raises AffectError where an item has neither.
    """
    if dataset.feature_sources is not None:
        return read_features(dataset.feature_sources, dataset.ids)
    if bare := [item.id for item in dataset.items if not item.media]:
        raise AffectError(
            f"{dataset.name}: no file of {bare[0]} and {len(bare) - 1} more; name their folder, or "
            "feature files"
        )
    media = [item.media for item in dataset.items]
    found = encode_items(
        pipeline, media, all_segments=all_segments, sampling=sampling, cache_folder=cache_folder, quiet=quiet
    )
    for path, why in found.error_by_path.items():
        warnings.warn(f"{to_printable(path)}: {why}", stacklevel=2)
    return found.mean_pool(len(media))


def encode_items(
    pipeline: FeaturePipeline,
    media: Sequence[MediaPaths],
    *,
    all_segments: bool = False,
    sampling: Sampling | None = None,
    cache_folder: Path | None = None,
    quiet: bool = False,
) -> EncodedItems:
    """Raw rows of items by all media roles of the recipe, each content encoded once and kept on disk.

    media:    the file of each item; several pictures are the frames of one clip
    all_segments: all segments of a file, or its first alone
    sampling: how densely to look, by default as the engine does; the sound's rate is the experts' own
    cache_folder: where features are kept, by default in the cache folder

    A run that was stopped goes on where it was. Raises AffectError for a recipe without media roles.
    """
    if not pipeline.media_roles:
        raise AffectError("no encoder reads media; name one, such as objects=efficientnet-lite2")
    sampling = replace(sampling or Sampling(), sample_rate=pipeline.sample_rate)
    shelves = {
        role: FeatureCache(pipeline.get_encoder(role).card, sampling, all_segments, cache_folder)
        for role in pipeline.media_roles
    }
    failed: dict[Path, str] = {}
    digests = [_compute_digest(files, failed) for files in media]
    found = {digest: _load_cached(shelves, digest) for digest in digests if digest}
    todo: dict[tuple[str, ...], dict[str, MediaPaths]] = {}
    for files, digest in zip(media, digests, strict=True):
        if digest and (lacking := tuple(role for role in shelves if role not in found[digest])):
            todo.setdefault(lacking, {})[digest] = files
    done, total = 0, sum(map(len, todo.values()))
    with ProgressReporter("features", unit="items", quiet=quiet) as report:
        report.update("encoding", 0, total)
        for roles, wanted in todo.items():
            stream = StreamingEncoder(
                _restrict_roles(pipeline, roles), sampling, all_segments=all_segments, error_by_path=failed
            )
            for digest, made in stream.encode(wanted):
                for role, entry in made.items():
                    shelves[role].put(digest, entry)
                found[digest] |= made
                done += 1
                report.update("encoding", done, total)
    return _concatenate_items([found.get(digest, {}) for digest in digests], shelves, failed)


def _compute_digest(paths: MediaPaths, error_by_path: dict[Path, str]) -> str:
    """Of an item's files; empty where one can't be read."""
    try:
        return compute_content_digest(paths)
    except OSError as bad:
        error_by_path[Path(bad.filename or paths[0])] = (bad.strerror or str(bad)).lower()
        return ""


def _load_cached(caches: Mapping[str, FeatureCache], digest: str) -> dict[str, ItemFeatures]:
    return {role: entry for role, shelf in caches.items() if (entry := shelf.get(digest)) is not None}


def _restrict_roles(pipeline: FeaturePipeline, roles: Sequence[str]) -> FeaturePipeline:
    """The same experts in these media roles alone."""
    out = {role: "" for role in pipeline.media_roles if role not in roles}
    return FeaturePipeline(pipeline.config.replace(**out)) if out else pipeline


def _concatenate_items(
    features_by_item: Sequence[Mapping[str, ItemFeatures]],
    caches: Mapping[str, FeatureCache],
    error_by_path: Mapping[Path, str],
) -> EncodedItems:
    whole = {index: entries for index, entries in enumerate(features_by_item) if len(entries) == len(caches)}
    rows = {
        role: np.concatenate(
            [
                np.empty((0, shelf.card.dim), np.float32),
                *(entries[role].features for entries in whole.values()),
            ]
        )
        for role, shelf in caches.items()
    }
    times = [next(iter(entries.values())).times for entries in whole.values()]
    owner = np.repeat(np.array(list(whole), np.int64), [len(one) for one in times])
    return EncodedItems(
        features=rows,
        item_by_segment=owner,
        segment_times=np.concatenate([np.empty((0, 2)), *times]),
        error_by_path=error_by_path,
    )
