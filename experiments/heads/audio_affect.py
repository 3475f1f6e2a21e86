"""What the sound file of affect comes from: acted emotion of speech, mood of music, kind of sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from encoders.base import is_missing_row
from encoders.registry import ENCODERS
from experiments.datasets.debian_voices import PackageUnavailable
from experiments.heads.audio_clips import (
    EMOTIONS,
    ENCODER_NAME,
    KINDS,
    ROLE,
    AudioClips,
    Floats,
    Strings,
    load_clips,
)
from experiments.heads.audio_networks import MAX_ABS_Z, NetworkConfig, scale_outputs, train_networks
from experiments.heads.report_figure import DIMENSIONS, EvaluationPart, MetricResult, measure_metric
from retrieval.evaluation.affect_metrics import pearson
from retrieval.evaluation.splits import make_group_folds
from spaces.affect_regressor import Regressor, RegressorSet, load_regressors, save_regressors
from spaces.circumplex import PRIOR_SD, map_emotions_to_affect
from spaces.joint.kernel_ridge import to_float32
from spaces.joint.ridge import solve_ridge
from spaces.joint.space import Layer, LinearInput, Tower

WEIGHTS_FILE = Path("spaces/weights/affect-sound.safetensors")
TRAINING_DATA = (
    "RAVDESS speech, actors 1 to 20, acted emotions (Livingstone & Russo 2018); VGMIDI, 148 pieces of game "
    "music rated by about 30 people each (Ferreira & Whitehead 2019), rendered to 15 s; to tell kinds of "
    "sound apart also animal sounds (github YashNita/Animal-Sound-Dataset), Sonic Pi's samples (CC0), "
    "Wesnoth's music (GPL-2+), drawn noises, and recordings from Debian packages: telephone prompts in "
    "English, Spanish, French, Italian and Russian (Asterisk; A. Smith, J. Wallack, C. Flora, P. Dal Zot, "
    "A. Desjardins and others), dialogue in Czech and Dutch (Fish Fillets), letters in 11 languages "
    "(KLettres), music on hold, music of Fish Fillets and Colobot, sounds of Colobot and of a keyboard. No "
    "emotion was learnt from those. Altered copies of the clips were learnt from as well: speed, equaliser, "
    "room, noise, telephone band."
)
LICENCE = (
    "non-commercial research: RAVDESS is CC BY-NC-SA 4.0, VGMIDI and the animal sounds state no licence. The "
    "packages' recordings are under CC BY, CC BY-SA, GPL-2+ and GPL-3+ "
    "(experiments/datasets/debian_voices.py). The "
    "file holds weights of small networks and no clip's rows."
)
SPEECH_CONFIG = NetworkConfig(n_networks=8, hidden_size=192)
MUSIC_RIDGE_STRENGTH = 1.5  # of music's penalty, see `spaces.joint.ridge`
IN_DOMAIN_QUANTILE = 0.99  # of the rated pieces and their altered copies are taken to be like the rated
KIND_CONFIG = NetworkConfig(n_networks=3, hidden_size=32, epochs=20)
N_FOLDS = 5
SHARED_EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgust")  # with EMO-DB
ONE_SD_COVERAGE = 0.6827  # of a normal distribution lies within one SD

FitTowers = Callable[[AudioClips], tuple[Tower, ...]]
Ints = npt.NDArray[np.int64]
Statistic = Callable[[Floats], float]


def fit_and_save(
    data_root: Path, out_folder: Path | None = None, *, seed: int, quiet: bool = False
) -> list[Path]:
    """Write the file of regressors; where, comes back.

    Raises AffectError where a set is not there, its kind Unreachable where a package can't be had.
    """
    file = (out_folder or WEIGHTS_FILE.parent) / WEIGHTS_FILE.name
    save_regressors(file, fit(data_root, seed=seed, quiet=quiet))
    return [file]


def fit(data_root: Path, *, seed: int, quiet: bool = False) -> RegressorSet:
    """Regressors taught on train and dev: speech_emotion, music, other, their log_sd, and kind."""
    return fit_regressors(load_clips(data_root, seed=seed, quiet=quiet), seed=seed)


def fit_regressors(clips: AudioClips, *, seed: int) -> RegressorSet:
    """All regressors from these clips; what is said of held-out groups gives the temperatures and SDs."""
    found = cross_validate(clips, seed=seed)
    spoken, rated = select_speech(clips), select_rated_music(clips)
    cold = fit_temperature(found["speech_emotion"], one_hot(spoken.labels, EMOTIONS))
    cool = fit_temperature(found["kind"], one_hot(clips.kinds, KINDS), compute_balanced_weights(clips.kinds))
    members = {
        "speech_emotion": scale_outputs(fit_speech_towers(clips, seed=seed), 1 / cold),
        "kind": scale_outputs(fit_kind_towers(clips, seed=seed), 1 / cool),
        "music": fit_music_towers(rated, select_unrated_music(clips)),
        "music_log_sd": (
            make_constant_tower(clips, np.log(estimate_error_sd(found["music"], rated.affect))),
        ),
        "other": (fit_other_tower(clips),),
        "other_log_sd": (make_constant_tower(clips, np.log(PRIOR_SD)),),
    }
    return RegressorSet(
        members={name: Regressor(towers=towers) for name, towers in members.items()},
        encoder_signatures={ROLE: ENCODERS.make(ENCODER_NAME).card.signature},
        metadata={
            "speech_emotion": list(EMOTIONS),
            "kind": list(KINDS),
            "temperatures": {"speech_emotion": cold, "kind": cool},
        },
    )


def cross_validate(clips: AudioClips, *, seed: int) -> dict[str, Floats]:
    """By regressor, what is said of speech, of rated music and of all by those taught on other groups.

    Logits are not calibrated.
    """
    unrated = select_unrated_music(clips)
    return {
        "speech_emotion": predict_held_out(
            select_speech(clips), lambda part: fit_speech_towers(part, seed=seed), seed=seed
        ),
        "music": predict_held_out(
            select_rated_music(clips), lambda part: fit_music_towers(part, unrated), seed=seed
        ),
        "kind": predict_held_out(clips, lambda part: fit_kind_towers(part, seed=seed), seed=seed),
    }


# ---------------------------------------------------------------- what is taught


def select_speech(clips: AudioClips) -> AudioClips:
    """The clips whose acted emotion is known."""
    return clips.select(clips.labels != "")


def select_rated_music(clips: AudioClips) -> AudioClips:
    """The music that people rated."""
    return clips.select(~np.isnan(clips.affect[:, 0]))


def select_unrated_music(clips: AudioClips) -> AudioClips:
    """The music that nobody rated."""
    return clips.select((clips.kinds == "music") & np.isnan(clips.affect[:, 0]))


def fit_speech_towers(clips: AudioClips, *, seed: int) -> tuple[Tower, ...]:
    """Logits of EMOTIONS, from the speech among these clips."""
    spoken = select_speech(clips)
    goals = one_hot(spoken.labels, EMOTIONS)
    return train_networks(spoken.features, goals, SPEECH_CONFIG, role=ROLE, seed=seed)


def fit_music_towers(rated: AudioClips, unrated: AudioClips | None = None) -> tuple[Tower, ...]:
    """Valence and arousal from rated music and its altered copies: ridge regression.

    unrated: other music, which on the whole is taken to be as moderate as the rated. Without it an orchestra
             is .6 more aroused than a piano, by its timbre alone. A second ridge regression tells how far a
             piece is unlike the rated ones, and as far the unrated ones' mean is taken off.
    """
    plain, width = rated.features[:, 0].astype(np.float64), rated.features.shape[2]
    mean, scale = plain.mean(axis=0), plain.std(axis=0) + 1e-6

    def standardise(features: npt.NDArray[np.floating]) -> Floats:
        flat = features.reshape(-1, width)
        return np.clip((flat[~is_missing_row(flat)] - mean) / scale, -MAX_ABS_Z, MAX_ABS_Z)

    seen, middle = standardise(rated.features), rated.affect.mean(axis=0)
    there = ~is_missing_row(rated.features.reshape(-1, width))
    goals = np.repeat(rated.affect - middle, rated.features.shape[1], axis=0)[there]
    mood = solve_ridge(seen, goals, MUSIC_RIDGE_STRENGTH)
    if unrated is None or not len(unrated):
        return (_make_linear_tower(mean, scale, mood, middle),)
    other = standardise(unrated.features)
    both = np.concatenate([seen, other])
    share = np.repeat([-0.5, 0.5], [len(seen), len(other)])[:, None]
    unlike = solve_ridge(both - both.mean(axis=0), share - share.mean(), MUSIC_RIDGE_STRENGTH)
    near, far = np.quantile(seen @ unlike, IN_DOMAIN_QUANTILE), np.median(other @ unlike)
    surplus = standardise(unrated.features[:, :1]).mean(axis=0) @ mood
    # ReLU of a number and of its negative is the number; of a slope and of it less 1, a ramp from 0 to 1
    ramp = unlike / (far - near)
    weight = np.concatenate([mood, -mood, ramp, ramp], axis=1)
    start = -near / (far - near)
    bias = np.array([0, 0, 0, 0, start, start - 1])
    last = np.concatenate([np.eye(2), -np.eye(2), [-surplus], [surplus]])
    reader = LinearInput(
        mean=to_float32(mean),
        scale=to_float32(scale),
        weight=to_float32(weight),
        absent=np.zeros(6, np.float32),
    )
    layer = Layer(weight=to_float32(last), bias=to_float32(middle))
    return (Tower(inputs={ROLE: reader}, bias=to_float32(bias), layers=(layer,)),)


def _make_linear_tower(mean: Floats, scale: Floats, weight: Floats, bias: Floats) -> Tower:
    nothing = np.zeros(weight.shape[1], np.float32)
    reader = LinearInput(
        mean=to_float32(mean), scale=to_float32(scale), weight=to_float32(weight), absent=nothing
    )
    return Tower(inputs={ROLE: reader}, bias=to_float32(bias))


def fit_kind_towers(clips: AudioClips, *, seed: int) -> tuple[Tower, ...]:
    """Logits of KINDS; each kind weighs the same, however many clips it has."""
    goals = one_hot(clips.kinds, KINDS)
    return train_networks(
        clips.features,
        goals,
        KIND_CONFIG,
        role=ROLE,
        seed=seed,
        weights=compute_balanced_weights(clips.kinds),
    )


def fit_other_tower(clips: AudioClips) -> Tower:
    """Arousal of any sound from cues that go with it in speech and in music alike; valence 0.

    A cue's weight is its smaller correlation with arousal of the two, and none where they differ in sign
    (Weninger et al. 2013, "On the acoustics of emotion in audio: what speech, music, and sound have in
    common": loudness, spectral flux). Speech is as aroused as its acted emotion is on the plane. What comes
    out varies over the other sounds by their prior SD times the mean r on speech and music.
    """
    spoken, rated = select_speech(clips), select_rated_music(clips)
    acted = map_emotions_to_affect(one_hot(spoken.labels, EMOTIONS), "ravdess")[:, 1]
    sets = [(spoken.features[:, 0], acted), (rated.features[:, 0], rated.affect[:, 1])]
    scales = [rows.std(axis=0, dtype=np.float64) for rows, _ in sets]
    shared = np.sqrt(np.mean(np.square(scales), axis=0)) + 1e-6
    mean = np.mean([clips.features[clips.kinds == kind, 0].mean(axis=0) for kind in KINDS], axis=0)
    agree = np.stack([correlate_columns(rows, values) for rows, values in sets])
    weight = np.where(agree[0] * agree[1] > 0, np.sign(agree[0]) * np.abs(agree).min(axis=0), 0)
    told = [float(correlate_columns((rows / shared @ weight)[:, None], values)[0]) for rows, values in sets]
    spread = float(((clips.features[clips.kinds == "other", 0] - mean) / shared @ weight).std())
    slopes = weight * np.mean(told) * PRIOR_SD[1] / spread
    return _make_linear_tower(mean, shared, np.stack([0 * slopes, slopes], axis=1), np.zeros(2))


def correlate_columns(features: npt.NDArray[np.floating], values: Floats) -> Floats:
    """(d,) r of each column of (n, d) with values (n,); 0 for one that hardly varies."""
    spread = features.std(axis=0, dtype=np.float64)
    centred = (features - features.mean(axis=0)) * (values - values.mean())[:, None]
    return np.where(spread > 1e-6, centred.mean(axis=0) / np.maximum(spread * values.std(), 1e-12), 0)


def make_constant_tower(clips: AudioClips, values: npt.ArrayLike) -> Tower:
    """The same numbers (k,) whatever is heard."""
    told = np.asarray(values, np.float32)
    width = clips.features.shape[2]
    flat, nothing = np.ones(width, np.float32), np.zeros((width, len(told)), np.float32)
    reader = LinearInput(mean=0 * flat, scale=flat, weight=nothing, absent=0 * told)
    return Tower(inputs={ROLE: reader}, bias=told)


# ---------------------------------------------------------------- numbers


def one_hot(labels: Strings, classes: Sequence[str]) -> Floats:
    """(n, k) 1 where a name is that class."""
    return np.asarray(labels[:, None] == np.array(classes), np.float64)


def compute_balanced_weights(labels: Strings) -> Floats:
    """(n,) weights of mean 1 by which every name counts the same."""
    _, number, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(len(labels) / len(sizes) / sizes[number], np.float64)


def predict_held_out(clips: AudioClips, fit_towers: FitTowers, *, seed: int) -> Floats:
    """(n, k) what is said of each plain clip by those taught on other groups."""
    out: list[tuple[Ints, Floats]] = []
    for held, rest in split_folds(clips, seed):
        model = Regressor(towers=fit_towers(clips.select(rest)))
        out.append((held, model({ROLE: clips.features[held, 0]}).astype(np.float64)))
    items = np.concatenate([held for held, _ in out])
    return np.concatenate([rows for _, rows in out])[np.argsort(items)]


def split_folds(clips: AudioClips, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """What is held out and what is not, fold by fold; groups are never torn."""
    for held in make_group_folds(clips.groups.tolist(), N_FOLDS, seed):
        yield held, np.setdiff1d(np.arange(len(clips.kinds)), held)


def estimate_error_sd(predictions: Floats, truth: Floats) -> Floats:
    """(k,) within which as many errors lie as within one SD of a normal distribution."""
    return np.asarray(np.quantile(np.abs(predictions - truth), ONE_SD_COVERAGE, axis=0))


def fit_temperature(logits: Floats, targets: Floats, weights: Floats | None = None) -> float:
    """What logits (n, k) are divided by to be calibrated (Guo et al. 2017): least cross-entropy to goals."""

    def negative_log_likelihood(log_temperature: float) -> float:
        lost = -(targets * log_softmax(logits / np.exp(log_temperature))).sum(axis=1)
        return float(np.average(lost, weights=weights))

    return float(np.exp(minimize_scalar(negative_log_likelihood, bounds=(-3, 3), method="bounded").x))


def log_softmax(logits: Floats) -> Floats:
    """(n, k) ln of the shares."""
    raised = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(raised - np.log(np.exp(raised).sum(axis=1, keepdims=True)))


# ---------------------------------------------------------------- figures


def evaluate(data_root: Path, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Acted emotion, mood of music and kind of sound. See `Part`; "test" is by the packaged file."""
    if part == "test":
        heard = load_clips(data_root, seed=seed, splits=("test",))
        return (
            _compute_metrics(heard, _predict(heard, load_regressors(WEIGHTS_FILE)), part, seed)
            if len(heard.kinds)
            else []
        )
    heard = _load_available_clips(data_root, seed)
    if part == "folds":
        return _compute_metrics(heard, _predict_calibrated_held_out(heard, seed), part, seed)
    held = heard.select(heard.splits == "dev")
    return _compute_metrics(
        held, _predict(held, fit_regressors(heard.select(heard.splits == "train"), seed=seed)), part, seed
    )


def _load_available_clips(data_root: Path, seed: int) -> AudioClips:
    """All clips, or those without packages where these can't be had: a report is better than none."""
    try:
        return load_clips(data_root, seed=seed)
    except PackageUnavailable:
        return load_clips(data_root, seed=seed, include_packages=False)


def _predict(clips: AudioClips, regressors: RegressorSet) -> dict[str, Floats]:
    """By regressor, (n, k) of the clips it is about."""
    about = {"speech_emotion": select_speech(clips), "kind": clips}
    told = {name: about.get(name, select_rated_music(clips)).features[:, 0] for name in regressors.members}
    return {name: regressors[name]({ROLE: rows}).astype(np.float64) for name, rows in told.items()}


def _predict_calibrated_held_out(clips: AudioClips, seed: int) -> dict[str, Floats]:
    """The same of held-out groups, with temperatures and SDs from what was said of the other groups."""
    found = cross_validate(clips, seed=seed)
    spoken, rated = select_speech(clips), select_rated_music(clips)
    goals = one_hot(spoken.labels, EMOTIONS)
    for held, rest in split_folds(spoken, seed):
        found["speech_emotion"][held] /= fit_temperature(found["speech_emotion"][rest], goals[rest])
    sds = np.empty_like(rated.affect)
    for held, rest in split_folds(rated, seed):
        sds[held] = estimate_error_sd(found["music"][rest], rated.affect[rest])
    other = np.empty_like(rated.affect)
    known = np.flatnonzero(~np.isnan(clips.affect[:, 0]))
    for held, _ in split_folds(rated, seed):
        model = fit_other_tower(clips.select(np.setdiff1d(np.arange(len(clips.kinds)), known[held])))
        other[held] = model.project_raw({ROLE: rated.features[held, 0]})
    return {**found, "music_log_sd": np.log(sds), "other": other}


def _compute_metrics(
    clips: AudioClips, predictions: dict[str, Floats], part: EvaluationPart, seed: int
) -> list[MetricResult]:
    number = one_hot(clips.kinds, KINDS).argmax(axis=1)
    pairs = np.stack([predictions["kind"].argmax(axis=1), number], axis=1)
    lines = [
        _measure(
            "sounds", "speech, music or other, macro recall", pairs, balanced_accuracy, clips, part, seed
        )
    ]
    if len(spoken := select_speech(clips)):
        lines += _compute_speech_metrics(spoken, predictions["speech_emotion"], part, seed)
    if len(rated := select_rated_music(clips)):
        lines += _compute_music_metrics(rated, predictions, part, seed)
    return lines


def _compute_speech_metrics(
    clips: AudioClips, logits: Floats, part: EvaluationPart, seed: int
) -> list[MetricResult]:
    truth = one_hot(clips.labels, EMOTIONS).argmax(axis=1)
    pairs = np.stack([logits.argmax(axis=1), truth], axis=1)
    shared = np.isin(clips.labels, SHARED_EMOTIONS)
    columns = np.array([EMOTIONS.index(name) for name in SHARED_EMOTIONS])
    six = np.stack([columns[logits[shared][:, columns].argmax(axis=1)], truth[shared]], axis=1)
    sure = np.exp(log_softmax(logits)).max(axis=1)
    gap = np.stack([sure, pairs[:, 0] == truth], axis=1)
    people = "people, voice alone: .62 (Livingstone & Russo 2018)"
    return [
        _measure(
            "ravdess",
            "8 emotions, accuracy",
            pairs,
            accuracy,
            clips,
            part,
            seed,
            baseline="log-mel SVM .48, chance .13",
            ceiling=people,
            required=0.6,
        ),
        _measure(
            "ravdess",
            "6 shared emotions, balanced accuracy",
            six,
            balanced_accuracy,
            clips.select(shared),
            part,
            seed,
            baseline="chance .17",
        ),
        _measure(
            "ravdess", "8 emotions, mean probability less accuracy", gap, mean_difference, clips, part, seed
        ),
    ]


def _compute_music_metrics(
    clips: AudioClips, predictions: dict[str, Floats], part: EvaluationPart, seed: int
) -> list[MetricResult]:
    lines = []
    for at, name in enumerate(DIMENSIONS):
        pairs = np.stack([predictions["music"][:, at], clips.affect[:, at]], axis=1)
        floor, bar = (("log-mel SVR .52", 0.45), ("log-mel SVR .68", 0.72))[at]
        lines.append(
            _measure(
                "vgmidi",
                f"{name} r",
                pairs,
                pair_correlation,
                clips,
                part,
                seed,
                baseline=floor,
                required=bar,
            )
        )
        inside = np.abs(pairs[:, 0] - pairs[:, 1]) <= np.exp(predictions["music_log_sd"][:, at])
        lines.append(_measure("vgmidi", f"{name}, share within 1 SD", inside, np.mean, clips, part, seed,
                           ceiling="0.68 is right"))  # fmt: skip
    pairs = np.stack([predictions["other"][:, 1], clips.affect[:, 1]], axis=1)
    what = "arousal r by cues shared with speech"
    return [*lines, _measure("vgmidi", what, pairs, pair_correlation, clips, part, seed)]


def _measure(
    dataset: str,
    metric: str,
    pairs: npt.ArrayLike,
    statistic: Statistic,
    clips: AudioClips,
    part: EvaluationPart,
    seed: int,
    *,
    baseline: str = "",
    ceiling: str = "",
    required: float | None = None,
) -> MetricResult:
    return measure_metric(
        dataset,
        metric,
        pairs,
        statistic,
        part=part,
        seed=seed,
        groups=clips.groups.tolist(),
        baseline=baseline,
        ceiling=ceiling,
        required=required,
    )


def accuracy(pairs: Floats) -> float:
    """Share of (n, 2) found and true classes that are the same."""
    return float((pairs[:, 0] == pairs[:, 1]).mean())


def balanced_accuracy(pairs: Floats) -> float:
    """Mean over the true classes of the share that is found (balanced accuracy)."""
    return float(np.mean([accuracy(pairs[pairs[:, 1] == one]) for one in np.unique(pairs[:, 1])]))


def mean_difference(pairs: Floats) -> float:
    """Mean of the first column less the mean of the second."""
    return float(pairs[:, 0].mean() - pairs[:, 1].mean())


def pair_correlation(pairs: Floats) -> float:
    """r of (n, 2)."""
    return float(pearson(pairs[:, 0], pairs[:, 1]))
