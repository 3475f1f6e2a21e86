"""Alignment of audio affect with image affect, used where it helps on a library's own held-out videos.

The circumplex report's hypothesis (section 8.1) is that audio and images of one video segment have the same
affect. Video segments then are anchors for fitting a map from audio to image affect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from retrieval.evaluation import bootstrap_interval, make_group_folds
from retrieval.storage import (
    ALIGNMENT_KEY,
    HEADS_FOLDER,
    Library,
    list_custom_heads,
    remove_unused_heads,
    translate_disk_errors,
)
from retrieval.training.alignment_selection import (
    CANDIDATE_METHODS,
    compute_gain,
    compute_mean_ccc,
    compute_permutation_p_value,
    select_method,
)
from retrieval.training.anchors import FOLD_COUNT, MIN_SEGMENTS, Anchors, load_anchors
from spaces.affect_regression import AffectAlignment
from spaces.alignment import AlignmentMethod, save_map

Floats = npt.NDArray[np.float64]

MIN_SPREAD = 1e-6  # standard deviation of a dimension that does not vary


@dataclass(frozen=True, kw_only=True)
class AlignmentOutcome:
    """The outcome of aligning the affect of a library.

    segment_count, video_count: number of anchors, and of their videos
    baseline_ccc, aligned_ccc: CCC of audio with image affect on held-out videos, mean of valence and arousal
    gain_interval: 95 % interval of their difference, resampled by video
    p_value:       of no gain, by permutation of whole videos, 999 draws
    method:        selected on all anchors
    reason:        why nothing was fitted, else empty
    """

    segment_count: int
    video_count: int
    baseline_ccc: float | None = None
    aligned_ccc: float | None = None
    gain_interval: tuple[float, float] | None = None
    p_value: float | None = None
    method: str | None = None
    is_used: bool = False
    reason: str = ""

    def to_json(self) -> dict[str, object]:
        """As printed by `affect align --json`."""
        return {
            "segments": self.segment_count, "videos": self.video_count, "before": self.baseline_ccc,
            "after": self.aligned_ccc, "gain": self.gain_interval, "p": self.p_value, "method": self.method,
            "taken": self.is_used, "why": self.reason,
        }  # fmt: skip


def prepare_anchors(library: Library) -> Anchors:
    """The anchors of a library. Raises AffectError for too few, unless an alignment is installed."""
    anchors = load_anchors(library)
    if not anchors.is_sufficient and ALIGNMENT_KEY not in list_custom_heads(library.catalog):
        raise AffectError("; ".join(["too little to align on", *anchors.format_messages()]))
    return anchors


def install_alignment(
    library: Library, outcome: AlignmentOutcome, alignment: AffectAlignment | None
) -> AlignmentOutcome:
    """Install the result of `cross_validate_alignment`, or remove the alignment where it is None.

    The caller holds the write lock. Raises AffectError when the disk is full, and then changes nothing.
    """
    if alignment is not None:
        library.install_custom_heads(
            {
                **list_custom_heads(library.catalog),
                ALIGNMENT_KEY: _write_alignment_file(library, alignment, outcome),
            }
        )
        remove_unused_heads(library.folder, library.catalog)
    elif ALIGNMENT_KEY in list_custom_heads(library.catalog):
        remove_alignment(library)
    return outcome


def remove_alignment(library: Library) -> None:
    """Use affect without alignment again. The caller holds the write lock."""
    files = list_custom_heads(library.catalog)
    library.install_custom_heads({name: file for name, file in files.items() if name != ALIGNMENT_KEY})
    remove_unused_heads(library.folder, library.catalog)


def cross_validate_alignment(
    anchors: Anchors, *, seed: int, on_progress: Callable[[int, int], None]
) -> tuple[AlignmentOutcome, AffectAlignment | None]:
    """The gain of an alignment on held-out videos, and the alignment on all anchors if the gain is above 0.

    In each fold the method is selected by folds of the rest (nested cross-validation).
    """
    segments, videos = len(anchors.video_ids), anchors.video_count
    if not anchors.is_sufficient:
        needed = f"{MIN_SEGMENTS} segments with sound, in {FOLD_COUNT} videos, are the least"
        reason = f"too little to align on: {needed}"
        return AlignmentOutcome(segment_count=segments, video_count=videos, reason=reason), None
    audio, image = anchors.audio_affect, anchors.image_affect
    mapped, method = _map_held_out(anchors, seed, on_progress)
    points = np.stack([mapped, audio, image], axis=1)  # (n, 3, 2)
    low, high = bootstrap_interval(points, compute_gain, seed=seed, groups=anchors.video_ids)
    outcome = AlignmentOutcome(
        segment_count=segments,
        video_count=videos,
        baseline_ccc=round(compute_mean_ccc(audio, image), 4),
        aligned_ccc=round(compute_mean_ccc(mapped, image), 4),
        gain_interval=(round(low, 4), round(high, 4)),
        p_value=compute_permutation_p_value(points, anchors.video_ids, seed),
        method=method.name,
        is_used=low > 0,
    )
    if not outcome.is_used:
        return outcome, None
    fitted = method.fit(audio, image, seed=seed)
    sd_factors = fitted.project_source(audio).std(axis=0) / np.maximum(audio.std(axis=0), MIN_SPREAD)
    residual_sds = np.sqrt(((mapped - image) ** 2).mean(axis=0))
    return outcome, AffectAlignment(
        mapping=fitted, sd_factors=_to_pair(sd_factors), residual_sds=_to_pair(residual_sds)
    )


def _map_held_out(
    anchors: Anchors, seed: int, on_progress: Callable[[int, int], None]
) -> tuple[Floats, AlignmentMethod]:
    """Audio affect (n, 2) mapped by the method selected without its fold, and the method selected on all."""
    audio, image, video_ids = anchors.audio_affect, anchors.image_affect, anchors.video_ids
    done, count = 0, (FOLD_COUNT + 1) * len(CANDIDATE_METHODS)

    def advance() -> None:
        nonlocal done
        done += 1
        on_progress(done, count)

    mapped = np.empty_like(audio)
    folds = make_group_folds(video_ids.tolist(), FOLD_COUNT, seed)
    on_progress(0, count)
    for held in folds:
        rest = np.setdiff1d(np.arange(len(audio)), held)
        method = select_method(audio[rest], image[rest], video_ids[rest], seed, advance)
        mapped[held] = method.fit(audio[rest], image[rest], seed=seed).project_source(audio[held])
    return mapped, select_method(audio, image, video_ids, seed, advance)


def _to_pair(values: Floats) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _write_alignment_file(library: Library, alignment: AffectAlignment, outcome: AlignmentOutcome) -> str:
    """Write the alignment into the library's folder; returns the file name."""
    folder = library.folder / HEADS_FOLDER
    draft = folder / f"{ALIGNMENT_KEY}.safetensors"
    with translate_disk_errors(library.folder):
        metadata = {
            "stretch": alignment.sd_factors, "residual": alignment.residual_sds,
            "made_for": library.pipeline.without_alignment().affect_model.version, **outcome.to_json(),
        }  # fmt: skip
        digest = save_map(draft, alignment.mapping, metadata)
        name = f"{ALIGNMENT_KEY}-{digest[:12]}.safetensors"
        draft.replace(folder / name)
    return name
