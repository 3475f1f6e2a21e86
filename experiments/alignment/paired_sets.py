"""Named sets of pairs: the real ones found under a folder of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, UnknownNameError
from experiments.alignment import unimodal_models
from experiments.alignment.pairs import Floats, PairedReadings, Strings
from experiments.datasets.crema_d import CremaDClip, Vote, load_crema_d
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.liris_accede import load_liris_accede
from experiments.datasets.oasis import load_oasis
from experiments.datasets.ravdess import load_ravdess_performances
from experiments.datasets.vgmidi import load_vgmidi
from spaces.circumplex import EMOTION_SCHEMES, find_quadrants, map_emotions_to_affect

RAVDESS_EMOTIONS = EMOTION_SCHEMES["ravdess"]
AFFECT_COLUMNS = ("valence", "arousal")
WITHIN_ACTOR_NOTE = "an actor's clips change places among themselves in shuffles; what an actor is like stays"
MAX_PAIRS = 1000  # pairs studied of a set, drawn evenly: more says little more, and takes long


def load_ravdess(data_root: Path = DATA_ROOT, *, readings: str = "") -> PairedReadings:
    """Voice (69 features) and face (42) of the same performances, the only true pairs.

    readings: "" leaves them features; "emotions" and "moods" let models of each sense, taught on the anchors'
          actors, read the eight emotions, or valence and arousal
    """
    performances = load_ravdess_performances(data_root)
    emotion = performances.emotions
    features = PairedReadings(
        name="ravdess features",
        modalities=("voice", "face"),
        source=performances.voice,
        target=performances.face,
        columns=performances.face_columns,
        groups=performances.actors,
        emotions=emotion,
        affect=_look_up_acted_affect(emotion),
        exchange="within",
        standardise=True,
        is_test=performances.splits == "test",
        notes=(WITHIN_ACTOR_NOTE,),
    )
    if readings == "emotions":
        teach = unimodal_models.make_emotion_classifier(emotion, RAVDESS_EMOTIONS)
        return replace(
            features,
            name="ravdess emotions",
            columns=RAVDESS_EMOTIONS,
            fit_functions=(teach, teach),
            uses_inner_product=True,
        )
    if readings == "moods":
        teach = unimodal_models.make_affect_from_emotions(emotion, "ravdess")
        return replace(features, name="ravdess moods", columns=AFFECT_COLUMNS, fit_functions=(teach, teach))
    return features


def load_liris(data_root: Path = DATA_ROOT, *, readings: str = "") -> PairedReadings:
    """The sound part (16 features) against the picture part of the same film excerpts.

    Which film an excerpt is of is not known: a group is a run of consecutive excerpts of one part of the
    official split, which keeps films whole. read: "" or "moods", as for `ravdess`.
    """
    clips = load_liris_accede(data_root)
    truth, groups = clips.ratings, (clips.film_ids + 1).astype(str)
    drawn = np.unique(np.linspace(0, len(truth) - 1, min(MAX_PAIRS, len(truth))).astype(int))
    features = PairedReadings(
        name="liris features",
        modalities=("sound", "picture"),
        source=_apply_signed_log(np.ascontiguousarray(clips.features[:, clips.is_audio]))[drawn],
        target=_apply_signed_log(np.ascontiguousarray(clips.features[:, ~clips.is_audio]))[drawn],
        columns=tuple(np.array(clips.feature_names)[~clips.is_audio].tolist()),
        groups=groups[drawn],
        affect=truth[drawn],
        emotions=np.array(find_quadrants(truth - np.median(truth, axis=0)))[drawn],
        exchange="groups",
        standardise=True,
        is_test=(clips.splits == "test")[drawn],
        notes=(
            f"{len(drawn)} of {len(truth)} excerpts, drawn evenly; groups are runs of consecutive excerpts",
            "emotions are quadrants of the induced mood about its median",
        ),
    )
    if readings == "moods":
        teach = unimodal_models.make_affect_regressor(truth[drawn])
        return replace(features, name="liris moods", columns=AFFECT_COLUMNS, fit_functions=(teach, teach))
    return features


def load_cremad(data_root: Path = DATA_ROOT) -> PairedReadings:
    """What people said of a clip from the voice alone and from the face alone, as valence and arousal.

    The ceiling: how well two senses agree when people read both. A vote counts by its mean level.
    """
    rows = load_crema_d(data_root)
    drawn = np.unique(np.linspace(0, len(rows) - 1, min(MAX_PAIRS, len(rows))).astype(int))
    rows = [rows[at] for at in drawn]
    intended = np.array([row.emotion for row in rows])
    return PairedReadings(
        name="cremad votes", modalities=("voice", "face"),
        source=_average_votes([row.voice_votes for row in rows]),
        target=_average_votes([row.face_votes for row in rows]), columns=AFFECT_COLUMNS,
        groups=np.array([row.actor for row in rows]), emotions=intended,
        affect=_look_up_fer_affect(intended), exchange="within", is_test=_find_test_rows(rows),
        notes=(
            f"{len(rows)} clips, drawn evenly; people's votes, the ceiling of what voice and face share",
            WITHIN_ACTOR_NOTE,
        ),
    )  # fmt: skip


def load_oasis_vgmidi(data_root: Path = DATA_ROOT, *, seed: int = 0) -> PairedReadings:
    """OASIS pictures and VGMIDI pieces by people's ratings: a control, since no picture has a piece.

    Pairs are made at random within a quadrant of both planes, about their medians. They agree because they
    were made so, whatever the hypothesis; what the study finds is what such circular pairs give.
    """
    pictures = [image for image in load_oasis(data_root) if image.split != "test"]
    pieces = [piece for piece in load_vgmidi(data_root) if piece.split != "test"]
    seen = np.array([image.mean for image in pictures])
    heard = np.array([(piece.valence, piece.arousal) for piece in pieces])
    rng = np.random.default_rng(seed)
    quarters = [np.array(find_quadrants(points - np.median(points, axis=0))) for points in (seen, heard)]
    found: list[tuple[int, int]] = []
    for name in np.unique(quarters[1]):
        ours = rng.permutation(np.flatnonzero(quarters[1] == name))
        theirs = rng.permutation(np.flatnonzero(quarters[0] == name))
        found += zip(theirs.tolist(), ours.tolist(), strict=False)
    left, right = (np.array(side) for side in zip(*sorted(found), strict=True))
    return PairedReadings(
        name="oasis x vgmidi", modalities=("picture", "music"), source=seen[left], target=heard[right],
        columns=AFFECT_COLUMNS, groups=np.array([pieces[at].group for at in right]),
        emotions=quarters[1][right],
        construction="pairs were drawn within quadrants of the ratings themselves",
        notes=("no picture has a piece of its own: pairs are made from the ratings, and so must agree",),
    )  # fmt: skip


def _load_ravdess_speech(data_root: Path) -> PairedReadings:
    from experiments.alignment.audio_face_pairs import load_ravdess_speech  # which begins with `ravdess`

    return load_ravdess_speech(data_root)


PAIRED_SETS: Mapping[str, Callable[[Path], PairedReadings]] = {
    "ravdess_moods": partial(load_ravdess, readings="moods"),
    "ravdess_emotions": partial(load_ravdess, readings="emotions"),
    "ravdess_features": load_ravdess,
    "ravdess_speech": _load_ravdess_speech,
    "cremad_votes": load_cremad,
    "liris_moods": partial(load_liris, readings="moods"),
    "liris_features": load_liris,
    "oasis_vgmidi": load_oasis_vgmidi,
}
SET_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "ravdess_moods": ("ravdess_av_features",),
    "ravdess_emotions": ("ravdess_av_features",),
    "ravdess_features": ("ravdess_av_features",),
    "ravdess_speech": ("ravdess_av_features", "ravdess_speech"),
    "cremad_votes": ("cremad_votes",),
    "liris_moods": ("liris_accede_features",),
    "liris_features": ("liris_accede_features",),
    "oasis_vgmidi": ("oasis", "vgmidi"),
}


def list_available_sets(data_root: Path = DATA_ROOT) -> tuple[str, ...]:
    """The sets whose folders are there."""
    return tuple(name for name in PAIRED_SETS if all((data_root / one).is_dir() for one in SET_FOLDERS[name]))


def load_set(name: str, data_root: Path = DATA_ROOT) -> PairedReadings:
    """A set by name. Raises UnknownNameError, and AffectError where files are missing or malformed."""
    if name not in PAIRED_SETS:
        raise UnknownNameError(f"no set {name!r}; sets: {', '.join(PAIRED_SETS)}")
    try:
        return PAIRED_SETS[name](data_root)
    except (OSError, KeyError, ValueError, IndexError) as bad:
        raise AffectError(f"set {name}: can't be read ({type(bad).__name__}: {bad})") from bad


def _find_test_rows(clips: Sequence[CremaDClip]) -> npt.NDArray[np.bool_]:
    return np.array([clip.split == "test" for clip in clips])


def _look_up_acted_affect(labels: Strings) -> Floats:
    """(n, 2) where acted emotions lie, by hand."""
    return _look_up_affect(labels, RAVDESS_EMOTIONS, "ravdess")


def _look_up_fer_affect(labels: Strings) -> Floats:
    return _look_up_affect(labels, EMOTION_SCHEMES["fer"], "fer")


def _look_up_affect(labels: Strings, class_names: tuple[str, ...], scheme: str) -> Floats:
    shares = (labels[:, None] == np.array(class_names)).astype(np.float64)
    return map_emotions_to_affect(shares, scheme, "hand")[:, :2]


def _average_votes(votes_by_clip: Sequence[Sequence[Vote]]) -> Floats:
    """(n, 2) where the votes of each clip lie, weighted by their levels."""
    shares = np.zeros((len(votes_by_clip), len(EMOTION_SCHEMES["fer"])))
    for number, votes in enumerate(votes_by_clip):
        for vote in votes:
            shares[number, EMOTION_SCHEMES["fer"].index(vote.emotion)] += vote.level
    return map_emotions_to_affect(shares, "fer", "hand")[:, :2]


def _apply_signed_log(features: Floats) -> Floats:
    """Signed logarithms: some features span fifteen powers of ten."""
    return np.sign(features) * np.log1p(np.abs(features))
