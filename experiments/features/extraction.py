"""Features of files as the engine computes them: decoded, batched and encoded by the same loop."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, MediaError, Rows, average_by_owner, describe_os_error, to_printable
from encoders.media import DecodedSegment, DecoderPool, FailedFile, Sampling, Segment
from experiments.datasets import CaptionDataset, LabelledFile, read_features
from experiments.features.cache import FeatureCache, ItemFeatures, compute_content_digest
from experiments.features.reading import FIRST_SEGMENT_READER
from experiments.features.streaming import DECODER_PROCESSES, MediaPaths, StreamingEncoder
from retrieval.features import FeaturePipeline
from retrieval.progress_reporter import ProgressReporter


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedItems:
    """Rows of all segments of some items.

    features: (segments, d) by role, a row of NaN where it abstains
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
    segment_by_path: dict[Path, Segment] = {}
    with DecoderPool(
        DECODER_PROCESSES, Sampling(sample_rate=pipeline.sample_rate), reader=FIRST_SEGMENT_READER
    ) as pool:
        for event in pool.read(dict.fromkeys(paths)):
            if isinstance(event, FailedFile):
                raise event.error
            if isinstance(event, DecodedSegment):
                segment_by_path[event.path] = event.segment
    return [segment_by_path[path] for path in paths]


def encode_first_segments(
    pipeline: FeaturePipeline, files: Sequence[LabelledFile], *, include_affect: bool = False
) -> dict[str, Rows]:
    """Raw rows by role of each file's first segment, computed anew. Raises MediaError if unreadable."""
    error_by_path: dict[Path, str] = {}
    encoder = StreamingEncoder(
        pipeline,
        Sampling(sample_rate=pipeline.sample_rate),
        all_segments=False,
        error_by_path=error_by_path,
        include_affect=include_affect,
    )
    features_by_path = dict(encoder.encode({str(file.path): (file.path,) for file in files}))
    if error_by_path:
        raise MediaError(*next(iter(error_by_path.items())))
    features = [features_by_path[str(file.path)] for file in files]
    return {role: np.concatenate([entries[role].features for entries in features]) for role in features[0]}


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
    encoded = encode_items(
        pipeline, media, all_segments=all_segments, sampling=sampling, cache_folder=cache_folder, quiet=quiet
    )
    for path, reason in encoded.error_by_path.items():
        warnings.warn(f"{to_printable(path)}: {reason}", stacklevel=2)
    return encoded.mean_pool(len(media))


def encode_items(
    pipeline: FeaturePipeline,
    media: Sequence[MediaPaths],
    *,
    all_segments: bool = False,
    sampling: Sampling | None = None,
    cache_folder: Path | None = None,
    quiet: bool = False,
) -> EncodedItems:
    """Raw rows of items by all media roles of a pipeline, each content encoded once and cached on disk.

    media:    the file of each item; several pictures are the frames of one clip
    all_segments: all segments of a file, or its first alone
    sampling: how densely files are sampled, by default as in the engine; the sample rate is the encoders' own
    cache_folder: where features are cached, by default in the user's cache folder

    A stopped run goes on where it was. Raises AffectError for a pipeline without media roles.
    """
    if not pipeline.media_roles:
        raise AffectError("no encoder reads media; name one, such as objects=efficientnet-lite2")
    sampling = replace(sampling or Sampling(), sample_rate=pipeline.sample_rate)
    caches = _make_caches(pipeline, sampling, all_segments, cache_folder)
    error_by_path: dict[Path, str] = {}
    digests = [_compute_digest(paths, error_by_path) for paths in media]
    features = {digest: _load_cached(caches, digest) for digest in digests if digest}
    missing = _group_by_missing_roles(media, digests, features, tuple(caches))
    with ProgressReporter("features", unit="items", quiet=quiet) as report:
        done, total = 0, sum(map(len, missing.values()))
        report.update("encoding", done, total)
        for roles, paths_by_digest in missing.items():
            restricted = _restrict_roles(pipeline, roles)
            encoder = StreamingEncoder(
                restricted, sampling, all_segments=all_segments, error_by_path=error_by_path
            )
            for digest, encoded in encoder.encode(paths_by_digest):
                features[digest] |= _store(caches, digest, encoded)
                done += 1
                report.update("encoding", done, total)
    return _concatenate_items([features.get(digest, {}) for digest in digests], caches, error_by_path)


def _make_caches(
    pipeline: FeaturePipeline, sampling: Sampling, all_segments: bool, folder: Path | None
) -> dict[str, FeatureCache]:
    """The cache of each media role."""
    return {
        role: FeatureCache(pipeline.get_encoder(role).card, sampling, all_segments, folder)
        for role in pipeline.media_roles
    }


def _group_by_missing_roles(
    media: Sequence[MediaPaths],
    digests: Sequence[str],
    features: Mapping[str, Mapping[str, ItemFeatures]],
    roles: tuple[str, ...],
) -> dict[tuple[str, ...], dict[str, MediaPaths]]:
    """Items that lack features of some roles, by those roles, and by digest: each content once."""
    groups: dict[tuple[str, ...], dict[str, MediaPaths]] = {}
    for paths, digest in zip(media, digests, strict=True):
        if digest and (absent := tuple(role for role in roles if role not in features[digest])):
            groups.setdefault(absent, {})[digest] = paths
    return groups


def _compute_digest(paths: MediaPaths, error_by_path: dict[Path, str]) -> str:
    """The digest of an item's files; empty where one can't be read."""
    try:
        return compute_content_digest(paths)
    except OSError as bad:
        error_by_path[Path(bad.filename or paths[0])] = describe_os_error(bad)
        return ""


def _store(
    caches: Mapping[str, FeatureCache], digest: str, features: Mapping[str, ItemFeatures]
) -> Mapping[str, ItemFeatures]:
    """Put an item's features into the caches; gives them back."""
    for role, entry in features.items():
        caches[role].put(digest, entry)
    return features


def _load_cached(caches: Mapping[str, FeatureCache], digest: str) -> dict[str, ItemFeatures]:
    return {role: entry for role, cache in caches.items() if (entry := cache.get(digest)) is not None}


def _restrict_roles(pipeline: FeaturePipeline, roles: Sequence[str]) -> FeaturePipeline:
    """The same pipeline with these media roles alone."""
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
                np.empty((0, cache.card.dim), np.float32),
                *(entries[role].features for entries in whole.values()),
            ]
        )
        for role, cache in caches.items()
    }
    times = [next(iter(entries.values())).times for entries in whole.values()]
    owner = np.repeat(np.array(list(whole), np.int64), [len(one) for one in times])
    return EncodedItems(
        features=rows,
        item_by_segment=owner,
        segment_times=np.concatenate([np.empty((0, 2)), *times]),
        error_by_path=error_by_path,
    )
