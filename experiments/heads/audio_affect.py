"""What the sound file of affect comes from: acted emotion of speech, mood of music, kind of sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from encoders.base import missing
from encoders.registry import ENCODERS
from experiments.datasets.debian_voices import Unreachable
from experiments.heads.audio_clips import EMOTIONS, ENCODER, KINDS, ROLE, Floats, Heard, Names, load_heard
from experiments.heads.audio_networks import FARTHEST, How, networks, scaled
from experiments.heads.report_figure import DIMENSIONS, Line, Part, line
from retrieval.evaluation.affect_metrics import pearson
from retrieval.evaluation.splits import folds
from spaces.affect_regressor import Regressor, Regressors, load_regressors, save_regressors
from spaces.circumplex import PRIOR_SD, from_categories
from spaces.joint.kernel_ridge import single
from spaces.joint.ridge import least_squares
from spaces.joint.space import Layer, Reader, Tower

WEIGHTS = Path("spaces/weights/affect-sound.safetensors")
TOLD = (
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
    "packages' recordings are under CC BY, CC BY-SA, GPL-2+ and GPL-3+ (experiments/datasets/debian_voices.py). The "
    "file holds weights of small networks and no clip's rows."
)
SPEECH = How(count=8, hidden=192)
STRENGTH = 1.5  # of music's penalty, see `spaces.joint.ridge`
LIKE = 0.99  # of the rated pieces and their altered copies are taken to be like the rated
KIND = How(count=3, hidden=32, epochs=20)
FOLDS = 5
SHARED = ("neutral", "happy", "sad", "angry", "fearful", "disgust")  # with EMO-DB
WITHIN = 0.6827  # of a normal distribution lies within one SD

Taught = Callable[[Heard], tuple[Tower, ...]]
Ints = npt.NDArray[np.int64]
Statistic = Callable[[Floats], float]


def make(data: Path, out: Path | None = None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Write the file of regressors; where, comes back.

    Raises AffectError where a set is not there, its kind Unreachable where a package can't be had.
    """
    file = (out or WEIGHTS.parent) / WEIGHTS.name
    save_regressors(file, fit(data, seed=seed, quiet=quiet))
    return [file]


def fit(data: Path, *, seed: int, quiet: bool = False) -> Regressors:
    """Regressors taught on train and dev: speech_emotion, music, other, their log_sd, and kind."""
    return taught(load_heard(data, seed=seed, quiet=quiet), seed=seed)


def taught(heard: Heard, *, seed: int) -> Regressors:
    """All regressors from these clips; what is said of held-out groups gives the temperatures and SDs."""
    found = answers(heard, seed=seed)
    spoken, rated = speech_of(heard), rated_of(heard)
    cold = temperature(found["speech_emotion"], one_hot(spoken.labels, EMOTIONS))
    cool = temperature(found["kind"], one_hot(heard.kinds, KINDS), even(heard.kinds))
    members = {
        "speech_emotion": scaled(speech_towers(heard, seed=seed), 1 / cold),
        "kind": scaled(kind_towers(heard, seed=seed), 1 / cool),
        "music": music_towers(rated, unrated_of(heard)),
        "music_log_sd": (constant_tower(heard, np.log(error_sd(found["music"], rated.moods))),),
        "other": (other_tower(heard),),
        "other_log_sd": (constant_tower(heard, np.log(PRIOR_SD)),),
    }
    return Regressors(
        members={name: Regressor(towers=towers) for name, towers in members.items()},
        encoders={ROLE: ENCODERS.make(ENCODER).card.signature},
        about={
            "speech_emotion": list(EMOTIONS),
            "kind": list(KINDS),
            "temperatures": {"speech_emotion": cold, "kind": cool},
        },
    )


def answers(heard: Heard, *, seed: int) -> dict[str, Floats]:
    """By regressor, what is said of speech, of rated music and of all by those taught on other groups.

    Logits are not calibrated.
    """
    unrated = unrated_of(heard)
    return {
        "speech_emotion": held_out(speech_of(heard), lambda part: speech_towers(part, seed=seed), seed=seed),
        "music": held_out(rated_of(heard), lambda part: music_towers(part, unrated), seed=seed),
        "kind": held_out(heard, lambda part: kind_towers(part, seed=seed), seed=seed),
    }


# ---------------------------------------------------------------- what is taught


def speech_of(heard: Heard) -> Heard:
    """The clips whose acted emotion is known."""
    return heard.part(heard.labels != "")


def rated_of(heard: Heard) -> Heard:
    """The music that people rated."""
    return heard.part(~np.isnan(heard.moods[:, 0]))


def unrated_of(heard: Heard) -> Heard:
    """The music that nobody rated."""
    return heard.part((heard.kinds == "music") & np.isnan(heard.moods[:, 0]))


def speech_towers(heard: Heard, *, seed: int) -> tuple[Tower, ...]:
    """Logits of EMOTIONS, from the speech among these clips."""
    spoken = speech_of(heard)
    goals = one_hot(spoken.labels, EMOTIONS)
    return networks(spoken.rows, goals, SPEECH, role=ROLE, seed=seed)


def music_towers(rated: Heard, unrated: Heard | None = None) -> tuple[Tower, ...]:
    """Valence and arousal from rated music and its altered copies: ridge regression.

    unrated: other music, which on the whole is taken to be as moderate as the rated. Without it an orchestra
             is .6 more aroused than a piano, by its timbre alone. A second ridge regression tells how far a
             piece is unlike the rated ones, and as far the unrated ones' mean is taken off.
    """
    plain, width = rated.rows[:, 0].astype(np.float64), rated.rows.shape[2]
    mean, scale = plain.mean(axis=0), plain.std(axis=0) + 1e-6

    def standard(rows: npt.NDArray[np.floating]) -> Floats:
        flat = rows.reshape(-1, width)
        return np.clip((flat[~missing(flat)] - mean) / scale, -FARTHEST, FARTHEST)

    seen, middle = standard(rated.rows), rated.moods.mean(axis=0)
    there = ~missing(rated.rows.reshape(-1, width))
    goals = np.repeat(rated.moods - middle, rated.rows.shape[1], axis=0)[there]
    mood = least_squares(seen, goals, STRENGTH)
    if unrated is None or not len(unrated):
        return (_linear(mean, scale, mood, middle),)
    other = standard(unrated.rows)
    both = np.concatenate([seen, other])
    share = np.repeat([-0.5, 0.5], [len(seen), len(other)])[:, None]
    unlike = least_squares(both - both.mean(axis=0), share - share.mean(), STRENGTH)
    near, far = np.quantile(seen @ unlike, LIKE), np.median(other @ unlike)
    surplus = standard(unrated.rows[:, :1]).mean(axis=0) @ mood
    # ReLU of a number and of its negative is the number; of a slope and of it less 1, a ramp from 0 to 1
    ramp = unlike / (far - near)
    weight = np.concatenate([mood, -mood, ramp, ramp], axis=1)
    start = -near / (far - near)
    bias = np.array([0, 0, 0, 0, start, start - 1])
    last = np.concatenate([np.eye(2), -np.eye(2), [-surplus], [surplus]])
    reader = Reader(
        mean=single(mean), scale=single(scale), weight=single(weight), absent=np.zeros(6, np.float32)
    )
    layer = Layer(weight=single(last), bias=single(middle))
    return (Tower(readers={ROLE: reader}, bias=single(bias), layers=(layer,)),)


def _linear(mean: Floats, scale: Floats, weight: Floats, bias: Floats) -> Tower:
    nothing = np.zeros(weight.shape[1], np.float32)
    reader = Reader(mean=single(mean), scale=single(scale), weight=single(weight), absent=nothing)
    return Tower(readers={ROLE: reader}, bias=single(bias))


def kind_towers(heard: Heard, *, seed: int) -> tuple[Tower, ...]:
    """Logits of KINDS; each kind weighs the same, however many clips it has."""
    goals = one_hot(heard.kinds, KINDS)
    return networks(heard.rows, goals, KIND, role=ROLE, seed=seed, weights=even(heard.kinds))


def other_tower(heard: Heard) -> Tower:
    """Arousal of any sound from cues that go with it in speech and in music alike; valence 0.

    A cue's weight is its smaller correlation with arousal of the two, and none where they differ in sign
    (Weninger et al. 2013, "On the acoustics of emotion in audio: what speech, music, and sound have in
    common": loudness, spectral flux). Speech is as aroused as its acted emotion is on the plane. What comes
    out varies over the other sounds by their prior SD times the mean r on speech and music.
    """
    spoken, rated = speech_of(heard), rated_of(heard)
    acted = from_categories(one_hot(spoken.labels, EMOTIONS), "ravdess")[:, 1]
    sets = [(spoken.rows[:, 0], acted), (rated.rows[:, 0], rated.moods[:, 1])]
    scales = [rows.std(axis=0, dtype=np.float64) for rows, _ in sets]
    shared = np.sqrt(np.mean(np.square(scales), axis=0)) + 1e-6
    mean = np.mean([heard.rows[heard.kinds == kind, 0].mean(axis=0) for kind in KINDS], axis=0)
    agree = np.stack([correlations(rows, values) for rows, values in sets])
    weight = np.where(agree[0] * agree[1] > 0, np.sign(agree[0]) * np.abs(agree).min(axis=0), 0)
    told = [float(correlations((rows / shared @ weight)[:, None], values)[0]) for rows, values in sets]
    spread = float(((heard.rows[heard.kinds == "other", 0] - mean) / shared @ weight).std())
    slopes = weight * np.mean(told) * PRIOR_SD[1] / spread
    return _linear(mean, shared, np.stack([0 * slopes, slopes], axis=1), np.zeros(2))


def correlations(rows: npt.NDArray[np.floating], values: Floats) -> Floats:
    """(d,) r of each column of (n, d) with values (n,); 0 for one that hardly varies."""
    spread = rows.std(axis=0, dtype=np.float64)
    centred = (rows - rows.mean(axis=0)) * (values - values.mean())[:, None]
    return np.where(spread > 1e-6, centred.mean(axis=0) / np.maximum(spread * values.std(), 1e-12), 0)


def constant_tower(heard: Heard, values: npt.ArrayLike) -> Tower:
    """The same numbers (k,) whatever is heard."""
    told = np.asarray(values, np.float32)
    width = heard.rows.shape[2]
    flat, nothing = np.ones(width, np.float32), np.zeros((width, len(told)), np.float32)
    reader = Reader(mean=0 * flat, scale=flat, weight=nothing, absent=0 * told)
    return Tower(readers={ROLE: reader}, bias=told)


# ---------------------------------------------------------------- numbers


def one_hot(names: Names, classes: Sequence[str]) -> Floats:
    """(n, k) 1 where a name is that class."""
    return np.asarray(names[:, None] == np.array(classes), np.float64)


def even(names: Names) -> Floats:
    """(n,) weights of mean 1 by which every name counts the same."""
    _, number, sizes = np.unique(names, return_inverse=True, return_counts=True)
    return np.asarray(len(names) / len(sizes) / sizes[number], np.float64)


def held_out(heard: Heard, teach: Taught, *, seed: int) -> Floats:
    """(n, k) what is said of each plain clip by those taught on other groups."""
    out: list[tuple[Ints, Floats]] = []
    for held, rest in dealt(heard, seed):
        model = Regressor(towers=teach(heard.part(rest)))
        out.append((held, model({ROLE: heard.rows[held, 0]}).astype(np.float64)))
    items = np.concatenate([held for held, _ in out])
    return np.concatenate([rows for _, rows in out])[np.argsort(items)]


def dealt(heard: Heard, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """What is held out and what is not, fold by fold; groups are never torn."""
    for held in folds(heard.groups.tolist(), FOLDS, seed):
        yield held, np.setdiff1d(np.arange(len(heard.kinds)), held)


def error_sd(found: Floats, truth: Floats) -> Floats:
    """(k,) within which as many errors lie as within one SD of a normal distribution."""
    return np.asarray(np.quantile(np.abs(found - truth), WITHIN, axis=0))


def temperature(logits: Floats, goals: Floats, weights: Floats | None = None) -> float:
    """What logits (n, k) are divided by to be calibrated (Guo et al. 2017): least cross-entropy to goals."""

    def surprise(log_t: float) -> float:
        lost = -(goals * log_softmax(logits / np.exp(log_t))).sum(axis=1)
        return float(np.average(lost, weights=weights))

    return float(np.exp(minimize_scalar(surprise, bounds=(-3, 3), method="bounded").x))


def log_softmax(logits: Floats) -> Floats:
    """(n, k) ln of the shares."""
    raised = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(raised - np.log(np.exp(raised).sum(axis=1, keepdims=True)))


# ---------------------------------------------------------------- figures


def figures(data: Path, *, seed: int, part: Part = "folds") -> list[Line]:
    """Acted emotion, mood of music and kind of sound. See `Part`; "test" is by the packaged file."""
    if part == "test":
        heard = load_heard(data, seed=seed, parts=("test",))
        return (
            _measured(heard, _said(heard, load_regressors(WEIGHTS)), part, seed) if len(heard.kinds) else []
        )
    heard = _reached(data, seed)
    if part == "folds":
        return _measured(heard, _folded(heard, seed), part, seed)
    held = heard.part(heard.splits == "dev")
    return _measured(held, _said(held, taught(heard.part(heard.splits == "train"), seed=seed)), part, seed)


def _reached(data: Path, seed: int) -> Heard:
    """All clips, or those without packages where these can't be had: a report is better than none."""
    try:
        return load_heard(data, seed=seed)
    except Unreachable:
        return load_heard(data, seed=seed, packages=False)


def _said(heard: Heard, model: Regressors) -> dict[str, Floats]:
    """By regressor, (n, k) of the clips it is about."""
    about = {"speech_emotion": speech_of(heard), "kind": heard}
    told = {name: about.get(name, rated_of(heard)).rows[:, 0] for name in model.members}
    return {name: model[name]({ROLE: rows}).astype(np.float64) for name, rows in told.items()}


def _folded(heard: Heard, seed: int) -> dict[str, Floats]:
    """The same of held-out groups, with temperatures and SDs from what was said of the other groups."""
    found = answers(heard, seed=seed)
    spoken, rated = speech_of(heard), rated_of(heard)
    goals = one_hot(spoken.labels, EMOTIONS)
    for held, rest in dealt(spoken, seed):
        found["speech_emotion"][held] /= temperature(found["speech_emotion"][rest], goals[rest])
    sds = np.empty_like(rated.moods)
    for held, rest in dealt(rated, seed):
        sds[held] = error_sd(found["music"][rest], rated.moods[rest])
    other = np.empty_like(rated.moods)
    known = np.flatnonzero(~np.isnan(heard.moods[:, 0]))
    for held, _ in dealt(rated, seed):
        model = other_tower(heard.part(np.setdiff1d(np.arange(len(heard.kinds)), known[held])))
        other[held] = model.values({ROLE: rated.rows[held, 0]})
    return {**found, "music_log_sd": np.log(sds), "other": other}


def _measured(heard: Heard, said: dict[str, Floats], part: Part, seed: int) -> list[Line]:
    number = one_hot(heard.kinds, KINDS).argmax(axis=1)
    pairs = np.stack([said["kind"].argmax(axis=1), number], axis=1)
    lines = [_line("sounds", "speech, music or other, macro recall", pairs, macro, heard, part, seed)]
    if len(spoken := speech_of(heard)):
        lines += _spoken(spoken, said["speech_emotion"], part, seed)
    if len(rated := rated_of(heard)):
        lines += _rated(rated, said, part, seed)
    return lines


def _spoken(heard: Heard, logits: Floats, part: Part, seed: int) -> list[Line]:
    truth = one_hot(heard.labels, EMOTIONS).argmax(axis=1)
    pairs = np.stack([logits.argmax(axis=1), truth], axis=1)
    shared = np.isin(heard.labels, SHARED)
    columns = np.array([EMOTIONS.index(name) for name in SHARED])
    six = np.stack([columns[logits[shared][:, columns].argmax(axis=1)], truth[shared]], axis=1)
    sure = np.exp(log_softmax(logits)).max(axis=1)
    gap = np.stack([sure, pairs[:, 0] == truth], axis=1)
    people = "people, voice alone: .62 (Livingstone & Russo 2018)"
    return [
        _line("ravdess", "8 emotions, accuracy", pairs, right, heard, part, seed,
              floor="log-mel SVM .48, chance .13", ceiling=people, bar=0.6),
        _line("ravdess", "6 shared emotions, balanced accuracy", six, macro, heard.part(shared), part, seed,
              floor="chance .17"),
        _line("ravdess", "8 emotions, mean probability less accuracy", gap, excess, heard, part, seed),
    ]  # fmt: skip


def _rated(heard: Heard, said: dict[str, Floats], part: Part, seed: int) -> list[Line]:
    lines = []
    for at, name in enumerate(DIMENSIONS):
        pairs = np.stack([said["music"][:, at], heard.moods[:, at]], axis=1)
        floor, bar = (("log-mel SVR .52", 0.45), ("log-mel SVR .68", 0.72))[at]
        lines.append(
            _line("vgmidi", f"{name} r", pairs, correlation, heard, part, seed, floor=floor, bar=bar)
        )
        inside = np.abs(pairs[:, 0] - pairs[:, 1]) <= np.exp(said["music_log_sd"][:, at])
        lines.append(_line("vgmidi", f"{name}, share within 1 SD", inside, np.mean, heard, part, seed,
                           ceiling="0.68 is right"))  # fmt: skip
    pairs = np.stack([said["other"][:, 1], heard.moods[:, 1]], axis=1)
    what = "arousal r by cues shared with speech"
    return [*lines, _line("vgmidi", what, pairs, correlation, heard, part, seed)]


def _line(
    data: str, what: str, pairs: npt.ArrayLike, statistic: Statistic, heard: Heard, part: Part, seed: int,
    *, floor: str = "", ceiling: str = "", bar: float | None = None,
) -> Line:  # fmt: skip
    return line(
        data, what, pairs, statistic, part=part, seed=seed, groups=heard.groups.tolist(), floor=floor,
        ceiling=ceiling, bar=bar,
    )  # fmt: skip


def right(pairs: Floats) -> float:
    """Share of (n, 2) found and true classes that are the same."""
    return float((pairs[:, 0] == pairs[:, 1]).mean())


def macro(pairs: Floats) -> float:
    """Mean over the true classes of the share that is found (balanced accuracy)."""
    return float(np.mean([right(pairs[pairs[:, 1] == one]) for one in np.unique(pairs[:, 1])]))


def excess(pairs: Floats) -> float:
    """Mean of the first column less the mean of the second."""
    return float(pairs[:, 0].mean() - pairs[:, 1].mean())


def correlation(pairs: Floats) -> float:
    """r of (n, 2)."""
    return float(pearson(pairs[:, 0], pairs[:, 1]))
