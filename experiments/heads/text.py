"""Sentences and phrases to valence and arousal with a stated error, from the adapted MiniLM's rows.

The mean is the line that was taught with the adapters (`experiments.heads.text_adapter`), and kernel ridge on
what it misses of short phrases, which the adapters have not seen.

Scale: ratings as they were given, the middle at 0. Slopes agree: adapters that were free to find a line
from EmoBank's scale to that of OASIS' themes found .92 and .93. Heights do not: who rates actions and
pictures puts an everyday text lower in arousal than who rates sentences; half of that is taken over, and the
stated error holds the other half.

The error's standard deviation is a log-linear function of the row (Harvey 1976), fitted to errors on what
neither adapters nor ridge had seen. Texts in other languages and random letters are given to it with the
error of a guess, so that it knows what it cannot read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, encode_all, is_missing_row
from encoders.lexicon import compute_nrc_columns, score_sentiment
from encoders.minilm import minilm
from encoders.minilm_affect import DIM, SURFACE_DIM, MiniLMAffect
from encoders.registry import ENCODERS
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.report_figure import DIMENSIONS, EvaluationPart, MetricResult, measure_metric
from experiments.heads.text_adapter import (
    RatedText,
    load_caav_actions,
    load_emobank,
    load_oasis_themes,
    select_held_out,
)
from retrieval.evaluation.affect_metrics import pearson
from retrieval.evaluation.splits import make_group_folds
from spaces.affect_regression import load_packaged_regressors, predict_mean_and_sd
from spaces.affect_regressor import Regressor, RegressorSet, save_regressors
from spaces.joint.kernel_ridge import compute_landmarks, solve_kernel_ridge, to_float32
from spaces.joint.ridge import solve_ridge
from spaces.joint.space import KernelInput, LinearInput, Tower

Floats = npt.NDArray[np.float64]
Baseline = tuple[str, Floats] | None  # a plain way's name and what it tells, (n, 2)

WEIGHTS_FILE = Path(__file__).parents[2] / "spaces" / "weights" / "affect-text.safetensors"
ROLE = "sentiment"
N_FOLDS = 10
KERNEL_WIDTH, KERNEL_PENALTY, MIN_LANDMARK_SIZE = (
    0.8,
    1.0,
    3,
)  # of the kernel ridge; `spaces.joint.kernel_ridge.KernelRidgeConfig` says what they are
THEME_WEIGHT = 0.5  # weight of a picture's theme against an action phrase
UNCORRECTED_BIAS_SHARE = (
    0.5  # of what is missed of short phrases on the whole, left missed: raters differ in height
)
SD_OFFSET = 1e-3  # added to the standard deviation of a column
LOG_SD_PENALTY = 30.0  # ridge of the log-linear SD's content columns, on the mean log likelihood
LOG_SD_FORM_PENALTY = 0.003  # of the two columns of form: few, and they tell what cannot be read
ONE_SD_COVERAGE = 0.6827  # of a normal distribution within one standard deviation
N_NONSENSE_TEXTS = 150  # texts of random letters
REQUIRED_CORRELATIONS = {
    ("emobank", "valence"): 0.75, ("emobank", "arousal"): 0.52,
    ("caav", "valence"): 0.86, ("caav", "arousal"): 0.80,
}  # fmt: skip
CEILINGS = {"valence": "replicate .95 (r)", "arousal": "replicate .93 (r)"}

TRAINING_DATA = (
    "EmoBank's training sentences (Buechel & Hahn 2017) and themes of OASIS' training pictures (Kurdi et al. "
    "2017) for the adapters, with the words of VADER's lexicon (Hutto & Gilbert 2014) and NRC's (Mohammad & "
    "Turney 2013); CAAV's action phrases (Di Crosta et al. 2020) and the other themes for the ridge on top. "
    "The stated error: a tenth of EmoBank's training sentences, whole documents, kept from the adapters, its "
    "dev sentences, the phrases by folds, and texts in other languages or of random letters, taken as "
    "unreadable. The adapters never saw a dev row. Valence and arousal as raters have them: 1..5 (EmoBank), "
    "1..7 (OASIS) and 1..9 (CAAV), the middle at 0, the ends at -1 and 1. English only."
)
LICENCE = (
    "CC-BY-SA-4.0, as EmoBank; CAAV is CC-BY 4.0, VADER MIT, OASIS free for research; NRC's lexicon is free "
    "for research and needs its authors' leave for commerce."
)

FOREIGN_TEXTS = (
    "Gestern habe ich meinen alten Lehrer am Bahnhof getroffen.",
    "Das Wetter wird morgen besser.",
    "Die Kinder spielen im Garten hinter dem Haus.",
    "Er hat den Schlüssel wieder vergessen.",
    "Nous avons mangé du poisson au bord de la mer.",
    "Le train part à huit heures du matin.",
    "Ma sœur travaille dans une école primaire.",
    "Il ne veut plus jamais lui parler.",
    "La policía encontró el coche robado cerca del río.",
    "Mañana vamos a visitar a mis abuelos.",
    "El libro que compré es muy aburrido.",
    "¿Dónde está la estación de autobuses?",
    "Il gatto nero dorme sulla sedia della cucina.",
    "Non ho mai visto una montagna così alta.",
    "Stasera andiamo al cinema con gli amici.",
    "La casa era vecchia e fredda.",
    "O menino perdeu o seu brinquedo na praia.",
    "Amanhã vou trabalhar até tarde.",
    "A cidade estava cheia de gente.",
    "Gosto muito de ouvir música antiga.",
    "De fiets staat al drie dagen voor de deur.",
    "Wij gaan morgen naar het strand.",
    "Hij was erg boos over de vertraging.",
    "Het eten smaakte heerlijk.",
    "Wczoraj kupiłem świeży chleb na targu.",
    "Dzieci boją się ciemności.",
    "Nasz pociąg spóźnił się dwie godziny.",
    "To była piękna wiosna.",
    "Dün akşam çok güzel bir film izledik.",
    "Çocuk bahçede top oynuyor.",
    "Bu haber herkesi üzdü.",
    "Yarın sabah erken kalkmam gerekiyor.",
    "Мы долго ждали автобус под дождём.",
    "Она улыбнулась и закрыла окно.",
    "Этот город был разрушен войной.",
    "Завтра у нас большой праздник.",
    "孩子们在学校门口等他们的父母。",
    "昨天晚上发生了严重的车祸。",
    "她非常喜欢这本新书。",
    "火车晚点了两个小时。",
    "駅の前に新しい喫茶店ができました。",
    "弟は犬がとても怖いです。",
    "明日は友達と海へ行きます。",
    "彼は何も言わずに帰った。",
    "우리는 어제 공원에서 사진을 찍었다.",
    "그 소식을 듣고 모두가 울었다.",
    "내일은 비가 올 것 같다.",
    "ذهبنا إلى السوق لشراء الخضار.",
    "كان الولد خائفا من الكلب.",
    "الجو جميل هذا الصباح.",
    "Eilen satoi lunta koko päivän.",
    "Koira haukkui vieraalle miehelle.",
    "Olen todella iloinen tästä uutisesta.",
    "Flickan gråtér eftersom hon tappade sin boll.",
    "Vi åker till landet på fredag.",
    "Det var en kall och mörk natt.",
    "हम कल शाम नदी के किनारे गए थे।",
    "बच्चे मैदान में खेल रहे हैं।",
    "यह बहुत दुखद समाचार है।",
    "Chúng tôi đi chợ vào sáng sớm.",
    "Anh ấy rất tức giận.",
    "Anak itu menangis karena lapar.",
    "Kemarin kami pergi ke pantai.",
    "Tegnap egész nap esett az eső.",
    "A kutya hangosan ugatott az udvaron.",
)
"""Plain sentences in 25 languages, written for this."""


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Fit and write; gives the file."""
    file = WEIGHTS_FILE if out_folder is None else out_folder / WEIGHTS_FILE.name
    save_regressors(file, fit(data_root, seed=seed, quiet=quiet))
    return [file]


def fit(data_root: Path = DATA_ROOT, *, seed: int, quiet: bool = False, use_dev: bool = True) -> RegressorSet:
    """The regressors "mean" and "log_sd" of role "sentiment", (n, 2) each; without `use_dev` from train
    alone.

    The adapters are those of the encoder, taught on train. It takes half a minute and says nothing, `quiet`
    or not. Raises AffectError where a set is not there.
    """
    encoder: MiniLMAffect = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
    parts = ("train", "dev") if use_dev else ("train",)
    acts = [one for one in load_caav_actions(data_root) if one.split in parts]
    named = [one for one in load_oasis_themes(data_root) if one.split in parts and one.split != "train"]
    unseen = select_held_out(load_emobank(data_root)) + [
        one for one in load_emobank(data_root) if one.split in parts[1:]
    ]
    short = _encode_texts(encoder, acts + named)
    mean = _fit_mean(encoder, short, acts, named)
    errors = [
        _stack_affect(unseen) - mean({ROLE: _encode_texts(encoder, unseen)}),
        _compute_held_out_errors(encoder, short, acts, named, seed),
    ]
    odd = encode_all(encoder, [*FOREIGN_TEXTS, *make_nonsense_texts(N_NONSENSE_TEXTS, seed)])
    guess = _compute_uninformed_errors(_stack_affect(acts), mean({ROLE: odd}))
    rows = np.concatenate([_encode_texts(encoder, unseen), short, odd])
    squares = np.concatenate([*(one**2 for one in errors), guess])
    log_sd = _fit_log_sd(rows, squares, n_sentences=len(unseen), n_phrases=len(short))
    return RegressorSet(
        members={"mean": mean, "log_sd": log_sd},
        encoder_signatures={ROLE: encoder.card.signature},
        metadata={"values": list(DIMENSIONS), "log_sd": "natural logarithm of the SD of the mean's error"},
    )


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """EmoBank and CAAV, correlations and how often the truth lies within one stated SD.

    folds: the kept tenth of EmoBank's training sentences, and every action phrase by folds; dev: by `fit` of
    train alone; test: rows with the split "test", by the shipped file, of the sets that `data_root` has.
    """
    encoder: MiniLMAffect = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
    sentences = load_emobank(data_root) if (data_root / "emobank").exists() else []
    acts = load_caav_actions(data_root) if (data_root / "caav_action_norms").exists() else []
    known = [[one for one in texts if one.split == "train"] for texts in (sentences, acts)]
    if part == "folds":
        acts, sentences = [one for one in acts if one.split != "test"], select_held_out(sentences)
        kept = set(sentences)
        rest = [one for one in known[0] if one not in kept]
        told = fit(data_root, seed=seed, use_dev=False)["mean"]({ROLE: _encode_texts(encoder, sentences)})
        lines = _compute_metrics(
            "emobank", sentences, told, _predict_by_lexicons(rest, sentences), part, seed
        )
        folded = _predict_held_out(encoder, data_root, acts, seed)
        return lines + _compute_metrics("caav", acts, folded, _predict_by_ridge(acts, acts, seed), part, seed)
    model = fit(data_root, seed=seed, use_dev=False) if part == "dev" else load_packaged_regressors()["text"]
    lines = []
    for name, texts, taught in (("emobank", sentences, known[0]), ("caav", acts, known[1])):
        asked = [one for one in texts if one.split == part]
        if asked:
            floor = (
                _predict_by_lexicons(taught, asked)
                if name == "emobank"
                else _predict_by_ridge(taught, asked, seed)
            )
            lines += _compute_metrics(name, asked, _predict(model, encoder, asked), floor, part, seed)
    return lines


def make_nonsense_texts(count: int, seed: int) -> list[str]:
    """Texts of two to nine words of random letters, half of them with vowels where a word would have some."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        words = []
        for length in rng.integers(3, 9, size=rng.integers(2, 10)):
            letters = rng.choice(list("bcdfghjklmnpqrstvwxyz"), size=length)
            letters[1::2] = rng.choice(list("aeiou"), size=length)[1::2] if number % 2 else letters[1::2]
            words.append("".join(letters))
        found.append(" ".join(words))
    return found


def _fit_mean(
    encoder: MiniLMAffect, short_features: Rows, actions: Sequence[RatedText], themes: Sequence[RatedText]
) -> Regressor:
    """The linear model, plus kernel ridge on its residuals of short texts (n, 386): `actions`, `themes`."""
    line = _make_adapter_tower(encoder)
    missed = np.asarray(
        _stack_affect([*actions, *themes]) - line.project_raw({ROLE: short_features}), np.float64
    )
    missed -= UNCORRECTED_BIAS_SHARE * missed.mean(axis=0)
    mean, scale = (
        short_features.mean(axis=0).astype(np.float64),
        short_features.std(axis=0).astype(np.float64) + SD_OFFSET,
    )
    scale[-SURFACE_DIM:] = 1e6  # only what is said counts: the length would set EmoBank's sentences apart
    rows, gamma = (short_features - mean) / scale, KERNEL_WIDTH / DIM
    kinds = np.repeat(["action", "theme"], [len(actions), len(themes)])
    centres = compute_landmarks(rows, kinds, MIN_LANDMARK_SIZE)
    weights = np.where(kinds == "action", 1.0, THEME_WEIGHT)
    weight = solve_kernel_ridge(rows, centres, missed, gamma=gamma, penalty=KERNEL_PENALTY, weights=weights)
    nothing = np.zeros(2, np.float32)
    more = KernelInput(
        mean=to_float32(mean), scale=to_float32(scale), centres=to_float32(centres), gamma=gamma,
        weight=to_float32(2 * weight), absent=nothing,
    )  # fmt: skip
    return Regressor(
        towers=(_scale_tower(line, 2), Tower(inputs={ROLE: more}, bias=nothing))
    )  # their mean is the sum


def _make_adapter_tower(encoder: MiniLMAffect) -> Tower:
    weight = np.zeros((DIM, 2), np.float32)
    weight[:-SURFACE_DIM] = encoder.adapters["head.weight"].T
    return _make_linear_tower(np.zeros(DIM), np.ones(DIM), weight, encoder.adapters["head.bias"])


def _scale_tower(tower: Tower, factor: float) -> Tower:
    reader = tower.inputs[ROLE]
    return _make_linear_tower(reader.mean, reader.scale, factor * reader.weight, factor * tower.bias)


def _make_linear_tower(
    mean: npt.ArrayLike, scale: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike
) -> Tower:
    mean, scale, weight, bias = (np.asarray(one, np.float32) for one in (mean, scale, weight, bias))
    reader = LinearInput(mean=mean, scale=scale, weight=weight, absent=np.zeros(2, np.float32))
    return Tower(inputs={ROLE: reader}, bias=bias)


def _compute_held_out_errors(
    encoder: MiniLMAffect,
    short_features: Rows,
    actions: Sequence[RatedText],
    themes: Sequence[RatedText],
    seed: int,
) -> Floats:
    """(n, 2) errors on short texts (`actions`, then `themes`) by ridges that had not seen them."""
    every = [*actions, *themes]
    errors = np.empty((len(every), 2))
    for away in make_group_folds([one.group for one in every], N_FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(every)), away)
        first, second = rest[rest < len(actions)], rest[rest >= len(actions)]
        model = _fit_mean(
            encoder, short_features[rest], [every[i] for i in first], [every[i] for i in second]
        )
        errors[away] = _stack_affect([every[i] for i in away]) - model({ROLE: short_features[away]})
    return errors


def _compute_uninformed_errors(ratings: Floats, predictions: Rows) -> Floats:
    """(n, 2) mean square error of what is told (n, 2) where the truth might be any of (m, 2)."""
    return np.asarray(ratings.var(axis=0) + (ratings.mean(axis=0) - predictions) ** 2)


def _fit_log_sd(features: Rows, squared_errors: Floats, *, n_sentences: int, n_phrases: int) -> Regressor:
    """Log SD, linear in standardised rows (n, 386), most likely for squared errors (n, 2) that are normal.

    The first `n_sentences` rows are sentences, then `n_phrases` phrases, then what nobody can read. In the
    end it is moved until `INSIDE` of the sentences and phrases, each half, lie within it.
    """
    from scipy.optimize import minimize

    known = features[: n_sentences + n_phrases].astype(np.float64)
    mean, scale = known.mean(axis=0), known.std(axis=0) + SD_OFFSET
    inputs = np.clip((features - mean) / scale, -10, 10)
    share = np.concatenate(
        [
            np.full(n, w / n)
            for n, w in ((n_sentences, 0.6), (n_phrases, 0.2), (len(features) - n_sentences - n_phrases, 0.2))
        ]
    )
    decay = np.full(DIM, LOG_SD_PENALTY)
    decay[-SURFACE_DIM:] = LOG_SD_FORM_PENALTY
    weight, bias = np.empty((DIM, 2)), np.empty(2)
    for column in range(2):
        square = squared_errors[:, column]
        start = np.zeros(DIM + 1)
        start[-1] = np.log(share @ square) / 2

        def objective(parameters: Floats, column_errors: Floats = square) -> tuple[float, Floats]:
            told = inputs @ parameters[:-1] + parameters[-1]
            ratio = column_errors * np.exp(-2 * told)
            slope = share * (1 - ratio)
            value = share @ (told + ratio / 2) + decay @ parameters[:-1] ** 2 / 2
            return value, np.append(inputs.T @ slope + decay * parameters[:-1], slope.sum())

        found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
        told = inputs @ found[:-1] + found[-1]
        ratio = (
            np.log(np.maximum(square[: n_sentences + n_phrases], 1e-12)) / 2 - told[: n_sentences + n_phrases]
        )
        parts = ratio[:n_sentences], ratio[n_sentences:]
        shift = np.mean([np.quantile(part, ONE_SD_COVERAGE) for part in parts])
        weight[:, column], bias[column] = found[:-1], found[-1] + shift
    return Regressor(towers=(_make_linear_tower(mean, scale, weight, bias),))


def _encode_texts(encoder: MiniLMAffect, texts: Sequence[RatedText]) -> Rows:
    rows = encode_all(encoder, [one.text for one in texts])
    if is_missing_row(rows).any():
        raise ValueError("a rated text is empty")
    return rows


def _stack_affect(texts: Sequence[RatedText]) -> Floats:
    return np.array([one.affect for one in texts], np.float64).reshape(-1, 2)


def _predict(regressors: RegressorSet, encoder: MiniLMAffect, texts: Sequence[RatedText]) -> Rows:
    """(n, 4), as `spaces.affect_regression.predict_mean_and_sd` has them."""
    return predict_mean_and_sd(
        regressors["mean"], regressors["log_sd"], {ROLE: _encode_texts(encoder, texts)}
    )


def _predict_held_out(
    encoder: MiniLMAffect, data_root: Path, actions: Sequence[RatedText], seed: int
) -> Floats:
    """(n, 2) of action phrases, each by a ridge that had not seen it."""
    named = [one for one in load_oasis_themes(data_root) if one.split == "dev"]
    short = _encode_texts(encoder, [*actions, *named])
    return (
        _stack_affect(actions)
        - _compute_held_out_errors(encoder, short, actions, named, seed)[: len(actions)]
    )


def _compute_metrics(
    dataset: str,
    texts: Sequence[RatedText],
    predictions: npt.NDArray[np.floating],
    baseline: Baseline,
    part: EvaluationPart,
    seed: int,
) -> list[MetricResult]:
    """Lines of what is told (n, 2), or (n, 4) with the SDs, of texts."""
    truths, groups = _stack_affect(texts), [one.group for one in texts]
    lines = []
    for column, dimension in enumerate(DIMENSIONS):
        pairs = np.stack([predictions[:, column], truths[:, column]], axis=1)
        plain = f"{baseline[0]} {pearson(baseline[1][:, column], truths[:, column]):.2f}" if baseline else ""
        lines.append(
            measure_metric(
                dataset,
                f"{dimension} r",
                pairs,
                _pearson,
                part=part,
                seed=seed,
                groups=groups,
                baseline=plain,
                ceiling=CEILINGS[dimension] if dataset == "caav" else "",
                required=REQUIRED_CORRELATIONS[dataset, dimension],
            )
        )
        if predictions.shape[1] == 4:
            inside = np.abs(pairs[:, 0] - pairs[:, 1]) <= predictions[:, 2 + column]
            lines.append(
                measure_metric(
                    dataset,
                    f"{dimension} within its SD",
                    inside,
                    np.mean,
                    part=part,
                    seed=seed,
                    groups=groups,
                )
            )
    return lines


def _pearson(pairs: Floats) -> float:
    return float(pearson(pairs[:, 0], pairs[:, 1]))


def _predict_by_lexicons(train_texts: Sequence[RatedText], test_texts: Sequence[RatedText]) -> Baseline:
    """A line of VADER's compound and how many words NRC's lexicon ties to what; None with nothing taught."""
    if not train_texts:
        return None
    known, asked = (
        np.array(
            [[score_sentiment(one.text).compound, *compute_nrc_columns(one.text).values()] for one in part]
        )
        for part in (train_texts, test_texts)
    )
    return "lexicons", _fit_and_predict_ridge(known, _stack_affect(train_texts), asked, 1e-3)


def _predict_by_ridge(
    train_texts: Sequence[RatedText], test_texts: Sequence[RatedText], seed: int
) -> Baseline:
    """Ridge on the sentence vectors, by folds where both are the same texts; None with nothing taught."""
    if not train_texts:
        return None
    encoder = minilm()
    rows = encode_all(encoder, [one.text for one in test_texts]).astype(np.float64)
    if list(train_texts) != list(test_texts):
        known = encode_all(encoder, [one.text for one in train_texts]).astype(np.float64)
        return "ridge", _fit_and_predict_ridge(known, _stack_affect(train_texts), rows, 0.3)
    found = np.empty((len(test_texts), 2))
    for away in make_group_folds([one.group for one in test_texts], N_FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(test_texts)), away)
        found[away] = _fit_and_predict_ridge(
            rows[rest], _stack_affect([test_texts[i] for i in rest]), rows[away], 0.3
        )
    return "ridge", found


def _fit_and_predict_ridge(
    train_features: Floats, train_targets: Floats, test_features: Floats, penalty: float
) -> Floats:
    mean, middle = train_features.mean(axis=0), train_targets.mean(axis=0)
    return (test_features - mean) @ solve_ridge(
        train_features - mean, train_targets - middle, penalty
    ) + middle
