"""Named sets of pairs: the real ones found under a folder of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, UnknownName
from encoders.text_files import read_text, split_lines
from experiments.alignment import unimodal_models
from experiments.alignment.pairs import Floats, Names, Pairs
from experiments.datasets.records import DATA, table
from experiments.datasets.registry import vgmidi
from spaces.circumplex import SCALES, SCHEMES, from_categories, quadrant, rescale

RAVDESS = SCHEMES["ravdess"]
VOTES: Mapping[str, str] = {
    "A": "angry", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad",
}  # fmt: skip
INTENDED: Mapping[str, str] = {
    "ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
}  # fmt: skip
SOUND = ("flatness_env", "asymmetry_env", "flatness", "zcr")  # of LIRIS-ACCEDE; and wtf_max2stdratio_1 to 12
MOOD = ("valence", "arousal")
WITHIN = "an actor's clips change places among themselves in shuffles; what an actor is like stays"
MOST = 1000  # pairs studied of a set, drawn evenly: more says little more, and takes long


def ravdess(data: Path = DATA, *, read: str = "") -> Pairs:
    """Voice (69 features) and face (42) of the same performances, the only true pairs.

    read: "" leaves them features; "emotions" and "moods" let models of each sense, taught on the anchors'
          actors, read the eight emotions, or valence and arousal
    """
    rows = list(table(data / "ravdess_av_features" / "combined_summary.csv"))
    names = list(rows[0])
    at = names.index("file")
    first = names.index("AU01_mean")
    model = {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"}  # Py-Feat's output
    voice = names[:at]
    face = [name for name in names[first : names.index("emotion")] if name.rpartition("_")[0] not in model]
    emotion = np.array([row["emotion"] for row in rows])
    features = Pairs(
        name="ravdess features", senses=("voice", "face"), source=_columns(rows, voice),
        target=_columns(rows, face), columns=tuple(face), groups=np.array([row["actor"] for row in rows]),
        emotions=emotion, moods=_acted(emotion), exchange="within", scale=True, test=_tests(rows),
        notes=(WITHIN,),
    )  # fmt: skip
    if read == "emotions":
        teach = unimodal_models.emotions(emotion, RAVDESS)
        return replace(features, name="ravdess emotions", columns=RAVDESS, teach=(teach, teach), product=True)
    if read == "moods":
        teach = unimodal_models.moods_of_emotions(emotion, "ravdess")
        return replace(features, name="ravdess moods", columns=MOOD, teach=(teach, teach))
    return features


def liris(data: Path = DATA, *, read: str = "") -> Pairs:
    """The sound part (16 features) against the picture part of the same film excerpts.

    Which film an excerpt is of is not known: a group is a run of consecutive excerpts of one part of the
    official split, which keeps films whole. read: "" or "moods", as for `ravdess`.
    """
    folder = data / "liris_accede_features"
    rows: dict[str, dict[str, str]] = {}
    for file in ("featuresArousal_TAC2015", "featuresValence_TAC2015", "ranking", "sets"):
        for row in _tabbed(folder / f"ACCEDE{file}.txt"):
            rows.setdefault(row["name"], {}).update(row)
    whole = [row for _, row in sorted(rows.items()) if {"zcr", "slope", "valenceValue", "set"} <= set(row)]
    names = list(dict.fromkeys(name for row in whole[:1] for name in row))
    heard = [name for name in names if name in SOUND or name.startswith("wtf_")]
    others = {"id", "name", "set", "valenceRank", "arousalRank", "valenceValue", "arousalValue",
             "valenceVariance", "arousalVariance", "", *heard}  # fmt: skip
    seen = [name for name in names if name not in others]
    numbers = np.array([int(row["id"]) for row in whole])
    parts = np.array([row["set"] for row in whole])
    starts = np.r_[True, (np.diff(numbers) != 1) | (parts[1:] != parts[:-1])]
    groups = np.cumsum(starts).astype(str)
    truth = rescale(_columns(whole, ["valenceValue", "arousalValue"]), *SCALES["liris"])
    drawn = np.unique(np.linspace(0, len(whole) - 1, min(MOST, len(whole))).astype(int))
    features = Pairs(
        name="liris features", senses=("sound", "picture"), source=_tamed(_columns(whole, heard))[drawn],
        target=_tamed(_columns(whole, seen))[drawn], columns=tuple(seen), groups=groups[drawn],
        moods=truth[drawn], emotions=np.array(quadrant(truth - np.median(truth, axis=0)))[drawn],
        exchange="groups", scale=True, test=(parts == "0")[drawn],
        notes=(
            f"{len(drawn)} of {len(whole)} excerpts, drawn evenly; groups are runs of consecutive excerpts",
            "emotions are quadrants of the induced mood about its median",
        ),
    )  # fmt: skip
    if read == "moods":
        teach = unimodal_models.moods(truth[drawn])
        return replace(features, name="liris moods", columns=MOOD, teach=(teach, teach))
    return features


def cremad(data: Path = DATA) -> Pairs:
    """What people said of a clip from the voice alone and from the face alone, as valence and arousal.

    The ceiling: how well two senses agree when people read both. A vote counts by its mean level.
    """
    rows = list(table(data / "cremad_votes" / "summaryTable.csv"))
    drawn = np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).astype(int))
    rows = [rows[at] for at in drawn]
    intended = np.array([INTENDED[row["FileName"].split("_")[2]] for row in rows])
    return Pairs(
        name="cremad votes", senses=("voice", "face"), source=_voted(rows, "Voice"),
        target=_voted(rows, "Face"), columns=MOOD,
        groups=np.array([row["FileName"].split("_")[0] for row in rows]), emotions=intended,
        moods=_placed(intended), exchange="within", test=_tests(rows),
        notes=(
            f"{len(rows)} clips, drawn evenly; people's votes, the ceiling of what voice and face share",
            WITHIN,
        ),
    )  # fmt: skip


def ratings(data: Path = DATA, *, seed: int = 0) -> Pairs:
    """OASIS pictures and VGMIDI pieces by people's ratings: a control, since no picture has a piece.

    Pairs are made at random within a quadrant of both planes, about their medians. They agree because they
    were made so, whatever the hypothesis; what the study finds is what such circular pairs give.
    """
    pictures = [row for row in table(data / "oasis" / "oasis.csv") if row.get("split") != "test"]
    pieces = [piece for piece in vgmidi(data) if piece.split != "test"]
    seen = rescale(_columns(pictures, ["valence_mean", "arousal_mean"]), *SCALES["oasis"])
    heard = np.array([(piece.valence, piece.arousal) for piece in pieces])
    rng = np.random.default_rng(seed)
    quarters = [np.array(quadrant(points - np.median(points, axis=0))) for points in (seen, heard)]
    found: list[tuple[int, int]] = []
    for name in np.unique(quarters[1]):
        ours = rng.permutation(np.flatnonzero(quarters[1] == name))
        theirs = rng.permutation(np.flatnonzero(quarters[0] == name))
        found += zip(theirs.tolist(), ours.tolist(), strict=False)
    left, right = (np.array(side) for side in zip(*sorted(found), strict=True))
    return Pairs(
        name="oasis x vgmidi", senses=("picture", "music"), source=seen[left], target=heard[right],
        columns=MOOD, groups=np.array([pieces[at].group for at in right]),
        emotions=quarters[1][right],
        made="pairs were drawn within quadrants of the ratings themselves",
        notes=("no picture has a piece of its own: pairs are made from the ratings, and so must agree",),
    )  # fmt: skip


def _speech(data: Path) -> Pairs:
    from experiments.alignment.audio_face_pairs import speech  # which begins with `ravdess`

    return speech(data)


SETS: Mapping[str, Callable[[Path], Pairs]] = {
    "ravdess_moods": partial(ravdess, read="moods"),
    "ravdess_emotions": partial(ravdess, read="emotions"),
    "ravdess_features": ravdess,
    "ravdess_speech": _speech,
    "cremad_votes": cremad,
    "liris_moods": partial(liris, read="moods"),
    "liris_features": liris,
    "oasis_vgmidi": ratings,
}
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "ravdess_moods": ("ravdess_av_features",),
    "ravdess_emotions": ("ravdess_av_features",),
    "ravdess_features": ("ravdess_av_features",),
    "ravdess_speech": ("ravdess_av_features", "ravdess_speech"),
    "cremad_votes": ("cremad_votes",),
    "liris_moods": ("liris_accede_features",),
    "liris_features": ("liris_accede_features",),
    "oasis_vgmidi": ("oasis", "vgmidi"),
}


def found(data: Path = DATA) -> tuple[str, ...]:
    """The sets whose folders are there."""
    return tuple(name for name in SETS if all((data / one).is_dir() for one in FOLDERS[name]))


def named(name: str, data: Path = DATA) -> Pairs:
    """A set by name. Raises UnknownName, and AffectError where its files are not there or not as expected."""
    if name not in SETS:
        raise UnknownName(f"no set {name!r}; sets: {', '.join(SETS)}")
    try:
        return SETS[name](data)
    except (OSError, KeyError, ValueError, IndexError) as bad:
        raise AffectError(f"set {name}: can't be read ({type(bad).__name__}: {bad})") from bad


def _columns(rows: list[dict[str, str]], names: list[str]) -> Floats:
    return np.array(
        [[float(row[name]) if row[name] not in ("", "NA") else np.nan for name in names] for row in rows]
    )


def _tests(rows: list[dict[str, str]]) -> npt.NDArray[np.bool_]:
    return np.array([row.get("split") == "test" for row in rows])


def _acted(labels: Names) -> Floats:
    """(n, 2) where acted emotions lie, by hand."""
    return _at(labels, RAVDESS, "ravdess")


def _placed(labels: Names) -> Floats:
    return _at(labels, SCHEMES["fer"], "fer")


def _at(labels: Names, names: tuple[str, ...], scheme: str) -> Floats:
    shares = (labels[:, None] == np.array(names)).astype(np.float64)
    return from_categories(shares, scheme, "hand")[:, :2]


def _voted(rows: list[dict[str, str]], sense: str) -> Floats:
    """(n, 2) from votes such as "A:D" with the levels "37.2:58.6"."""
    shares = np.zeros((len(rows), len(SCHEMES["fer"])))
    for number, row in enumerate(rows):
        votes, levels = row[f"{sense}Vote"].split(":"), row[f"{sense}Level"].split(":")
        for vote, level in zip(votes, levels, strict=True):
            shares[number, SCHEMES["fer"].index(VOTES[vote])] += float(level)
    return from_categories(shares, "fer", "hand")[:, :2]


def _tabbed(file: Path) -> list[dict[str, str]]:
    lines = [line.split("\t") for line in split_lines(read_text(file)) if line.strip()]
    return [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]


def _tamed(rows: Floats) -> Floats:
    """Signed logarithms: some features span fifteen powers of ten."""
    return np.sign(rows) * np.log1p(np.abs(rows))
