"""Bringing a library's sound and pictures onto one plane, where that is shown to help on its own videos.

The circumplex report's hypothesis (section 8.1): sound and pictures of one stretch of video feel alike. If
so, segments of videos are anchors on which a map from the plane of sound to that of pictures can be fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, is_missing_row
from retrieval.evaluation.affect_metrics import ccc
from retrieval.evaluation.resampling import bootstrap_interval
from retrieval.evaluation.splits import make_group_folds
from retrieval.storage.custom_heads import ALIGNMENT_KEY, HEADS_FOLDER, list_custom_heads, remove_unused_heads
from retrieval.storage.library import Library
from retrieval.storage.locking import translate_disk_errors
from retrieval.training.captioned_items import format_first_names
from spaces.affect_regression import AffectAlignment
from spaces.alignment import AlignmentMethod, make_closed_form_methods, save_map

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CANDIDATE_METHODS = ("z-score", "similarity", "ridge", "kernel ridge")
AFFECT_ROLES = ("objects", "sound", "tone")  # of which pictures and sound are told
FOLD_COUNT = 5
MIN_SEGMENTS = 30  # segments with sound and pictures, in FOLDS videos or more
PERMUTATION_DRAWS = 999
MIN_SPREAD = 1e-6  # spread of a dimension that does not vary


@dataclass(frozen=True, kw_only=True, eq=False)
class Anchors:
    """n segments of videos: affect of their sound and their pictures (n, 2) each, and their videos (n,).

    skipped_paths: paths of videos without such a segment
    """

    audio_affect: Floats
    image_affect: Floats
    video_ids: npt.NDArray[np.str_]
    skipped_paths: tuple[str, ...] = ()

    @property
    def video_count(self) -> int:
        """Of videos."""
        return len(set(self.video_ids.tolist()))

    @property
    def is_sufficient(self) -> bool:
        """Whether a map can be fitted and tried on them."""
        return len(self.video_ids) >= MIN_SEGMENTS and self.video_count >= FOLD_COUNT

    def format_messages(self) -> list[str]:
        """Lines to read before work begins: videos left out, and what is here and needed."""
        here = f"{len(self.video_ids)} segments with sound and pictures, of {self.video_count} videos"
        lines = [f"alignment: {here} (needs {MIN_SEGMENTS}, of {FOLD_COUNT})"]
        if self.skipped_paths:
            count = f"{len(self.skipped_paths)} video{'' if len(self.skipped_paths) == 1 else 's'}"
            lines.append(
                f"{count} without mood of both sound and pictures: {format_first_names(self.skipped_paths)}"
            )
        return lines


@dataclass(frozen=True, kw_only=True)
class AlignmentOutcome:
    """What came of aligning a library.

    segment_count, video_count: anchors, and how many videos they are of
    baseline_ccc, aligned_ccc: CCC of sound with pictures on videos held out, mean of valence and arousal
    gain_interval:    95 % interval of their difference, drawn by video
    p_value:          of no gain: maps and no map swapped video by video, 999 draws
    method:           chosen on all of them
    reason:           empty, or why nothing was tried
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
    """The anchors of a library. Raises AffectError for too few, unless an alignment of others is to go."""
    found = load_anchors(library)
    if not found.is_sufficient and ALIGNMENT_KEY not in list_custom_heads(library.catalog):
        raise AffectError("; ".join(["too little to align on", *found.format_messages()]))
    return found


def install_alignment(
    library: Library, outcome: AlignmentOutcome, alignment: AffectAlignment | None
) -> AlignmentOutcome:
    """Use what `cross_validate_alignment` found, or go back to no map where it found none.

    The caller may write. Raises AffectError when the disk is full; all is then as it was.
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
    """Use the planes as they are again. The caller may write."""
    files = list_custom_heads(library.catalog)
    library.install_custom_heads({name: file for name, file in files.items() if name != ALIGNMENT_KEY})
    remove_unused_heads(library.folder, library.catalog)


def load_anchors(library: Library) -> Anchors:
    """The segments of videos of which both sound and pictures are told, without any map."""
    experts, sql = library.pipeline.without_alignment(), library.catalog.execute
    segments = sql(
        "SELECT segments.id, item FROM segments JOIN items ON items.id = item "
        "WHERE modality = 'video' AND item IN (SELECT item FROM files) ORDER BY item, number"
    )
    known = np.array([row[0] for row in segments], np.int64)
    videos = np.array([row[1] for row in segments], np.str_)
    rows = {role: library.vectors.load(role, known) for role in experts.media_roles if role in AFFECT_ROLES}
    features = {role: found for role, found in rows.items() if found is not None}
    senses = experts.estimate_affect_by_modality(features) if features and len(known) else {}
    if not {"sound", "image"} <= senses.keys():
        return Anchors(
            audio_affect=np.empty((0, 2)), image_affect=np.empty((0, 2)), video_ids=videos[:0],
            skipped_paths=_list_item_paths(library, videos),
        )  # fmt: skip
    here = ~is_missing_row(senses["sound"]) & ~is_missing_row(senses["image"])
    sound, image = (np.asarray(senses[one][here, :2], np.float64) for one in ("sound", "image"))
    left_out = _list_item_paths(library, np.setdiff1d(videos, videos[here]))
    return Anchors(audio_affect=sound, image_affect=image, video_ids=videos[here], skipped_paths=left_out)


def _list_item_paths(library: Library, item_ids: npt.NDArray[np.str_]) -> tuple[str, ...]:
    """One path of each item, in order."""
    paths = {entry.item_id: str(path) for path, entry in library.catalog.load_files().items()}
    return tuple(sorted(paths[item] for item in set(item_ids.tolist())))


def cross_validate_alignment(
    anchors: Anchors, *, seed: int, on_progress: Callable[[int, int], None]
) -> tuple[AlignmentOutcome, AffectAlignment | None]:
    """What the maps gain on videos held out, and the one to use, if any.

    In each fold the map is chosen by folds of the rest, so that choosing is paid for.
    """
    segments, videos = len(anchors.video_ids), anchors.video_count
    if not anchors.is_sufficient:
        least = f"{MIN_SEGMENTS} segments with sound, in {FOLD_COUNT} videos, are the least"
        why = f"too little to align on: {least}"
        return AlignmentOutcome(segment_count=segments, video_count=videos, reason=why), None
    mapped = np.empty_like(anchors.audio_affect)
    parts = make_group_folds(anchors.video_ids.tolist(), FOLD_COUNT, seed)
    done, count = 0, (FOLD_COUNT + 1) * len(CANDIDATE_METHODS)

    def advance() -> None:
        nonlocal done
        done += 1
        on_progress(done, count)

    on_progress(0, count)
    for held in parts:
        rest = np.setdiff1d(np.arange(segments), held)
        method = _select_method(
            anchors.audio_affect[rest], anchors.image_affect[rest], anchors.video_ids[rest], seed, advance
        )
        whole = method.fit(anchors.audio_affect[rest], anchors.image_affect[rest], seed=seed)
        mapped[held] = whole.project_source(anchors.audio_affect[held])
    method = _select_method(anchors.audio_affect, anchors.image_affect, anchors.video_ids, seed, advance)
    stack = np.stack([mapped, anchors.audio_affect, anchors.image_affect], axis=1)  # (n, 3, 2)
    gain = bootstrap_interval(stack, _compute_gain, seed=seed, groups=anchors.video_ids)
    taken = gain[0] > 0
    outcome = AlignmentOutcome(
        segment_count=segments,
        video_count=videos,
        baseline_ccc=round(_compute_mean_ccc(anchors.audio_affect, anchors.image_affect), 4),
        aligned_ccc=round(_compute_mean_ccc(mapped, anchors.image_affect), 4),
        gain_interval=(round(gain[0], 4), round(gain[1], 4)),
        p_value=_compute_permutation_p(stack, anchors.video_ids, seed),
        method=method.name,
        is_used=taken,
    )
    if not taken:
        return outcome, None
    whole = method.fit(anchors.audio_affect, anchors.image_affect, seed=seed)
    stretch = whole.project_source(anchors.audio_affect).std(axis=0) / np.maximum(
        anchors.audio_affect.std(axis=0), MIN_SPREAD
    )
    residual = np.sqrt(((mapped - anchors.image_affect) ** 2).mean(axis=0))
    return outcome, AffectAlignment(
        mapping=whole, sd_factors=_to_pair(stretch), residual_sds=_to_pair(residual)
    )


def _to_pair(values: Floats) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _select_method(
    audio_affect: Floats,
    image_affect: Floats,
    video_ids: npt.NDArray[np.str_],
    seed: int,
    on_method_done: Callable[[], None],
) -> AlignmentMethod:
    """The map whose held-out points agree best with images; `on_method_done` is called after each map."""
    methods = make_closed_form_methods()
    parts = make_group_folds(video_ids.tolist(), min(FOLD_COUNT, len(set(video_ids.tolist()))), seed + 1)
    best: tuple[float, str] = (-np.inf, CANDIDATE_METHODS[0])
    for name in CANDIDATE_METHODS:
        mapped = np.empty_like(audio_affect)
        for held in parts:
            rest = np.setdiff1d(np.arange(len(audio_affect)), held)
            found = methods[name].fit(audio_affect[rest], image_affect[rest], seed=seed)
            mapped[held] = found.project_source(audio_affect[held])
        best = max(best, (_compute_mean_ccc(mapped, image_affect), name))
        on_method_done()
    return methods[best[1]]


def _compute_mean_ccc(predictions: Floats, targets: Floats) -> float:
    """Mean CCC of both dimensions: 1 where points agree, 0 for a cloud drawn into one point."""
    return float(np.nan_to_num(ccc(predictions, targets)).mean())


def _compute_gain(points: Floats) -> float:
    return _compute_mean_ccc(points[:, 0], points[:, 2]) - _compute_mean_ccc(points[:, 1], points[:, 2])


def _compute_permutation_p(points: Floats, video_ids: npt.NDArray[np.str_], seed: int) -> float:
    """One-sided p of the gain: mapped and unmapped swapped for about half of the videos at a time."""
    rng = np.random.default_rng(seed)
    number = np.unique(video_ids, return_inverse=True)[1]
    seen, draws = _compute_gain(points), []
    for _ in range(PERMUTATION_DRAWS):
        swap = rng.random(number.max() + 1)[number] < 0.5
        drawn = points.copy()
        drawn[swap, 0], drawn[swap, 1] = points[swap, 1], points[swap, 0]
        draws.append(_compute_gain(drawn))
    return round((1 + sum(draw >= seen for draw in draws)) / (PERMUTATION_DRAWS + 1), 4)


def _write_alignment_file(library: Library, alignment: AffectAlignment, outcome: AlignmentOutcome) -> str:
    """Write the alignment into the library's folder; the name of its file."""
    folder = library.folder / HEADS_FOLDER
    draft = folder / f"{ALIGNMENT_KEY}.safetensors"
    with translate_disk_errors(library.folder):
        about = {
            "stretch": alignment.sd_factors, "residual": alignment.residual_sds,
            "made_for": library.pipeline.without_alignment().affect_model.version, **outcome.to_json(),
        }  # fmt: skip
        digest = save_map(draft, alignment.mapping, about)
        name = f"{ALIGNMENT_KEY}-{digest[:12]}.safetensors"
        draft.replace(folder / name)
    return name
