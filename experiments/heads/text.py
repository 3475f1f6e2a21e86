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

from encoders.base import Rows, encode_all, missing
from encoders.lexicon import nrc_columns, sentiment
from encoders.minilm import minilm
from encoders.minilm_affect import DIM, SURFACE, Sentiment
from encoders.registry import ENCODERS
from experiments.datasets.records import DATA
from experiments.heads.report_figure import DIMENSIONS, Line, Part, line
from experiments.heads.text_adapter import Rated, actions, emobank, held_out, themes
from retrieval.evaluation.affect_metrics import pearson
from retrieval.evaluation.splits import folds
from spaces.affect_regression import packaged_regressors, stated
from spaces.affect_regressor import Regressor, Regressors, save_regressors
from spaces.joint.kernel_ridge import kernel_ridge, landmarks, single
from spaces.joint.ridge import least_squares
from spaces.joint.space import KernelReader, Reader, Tower

Floats = npt.NDArray[np.float64]
Floor = tuple[str, Floats] | None  # a plain way's name and what it tells, (n, 2)

FILE = Path(__file__).parents[2] / "spaces" / "weights" / "affect-text.safetensors"
ROLE = "sentiment"
FOLDS = 10
WIDTH, PENALTY, LEAST = (
    0.8,
    1.0,
    3,
)  # of the kernel ridge; `spaces.joint.kernel_ridge.Kernel` says what they are
THEMES = 0.5  # weight of a picture's theme against an action phrase
MIDWAY = 0.5  # of what is missed of short phrases on the whole, left missed: raters differ in height
STILL = 1e-3  # added to the standard deviation of a column
DECAY = 30.0  # ridge of the log-linear SD's content columns, on the mean log likelihood
FORM_DECAY = 0.003  # of the two columns of form: few, and they tell what cannot be read
INSIDE = 0.6827  # of a normal distribution within one standard deviation
NONSENSE = 150  # texts of random letters
BARS = {
    ("emobank", "valence"): 0.75, ("emobank", "arousal"): 0.52,
    ("caav", "valence"): 0.86, ("caav", "arousal"): 0.80,
}  # fmt: skip
CEILINGS = {"valence": "replicate .95 (r)", "arousal": "replicate .93 (r)"}

TOLD = (
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

FOREIGN = (
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


def make(data: Path, out: Path | None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Fit and write; gives the file."""
    file = FILE if out is None else out / FILE.name
    save_regressors(file, fit(data, seed=seed, quiet=quiet))
    return [file]


def fit(data: Path = DATA, *, seed: int, quiet: bool = False, dev: bool = True) -> Regressors:
    """The regressors "mean" and "log_sd" of role "sentiment", (n, 2) each; without `dev` from train alone.

    The adapters are those of the encoder, taught on train. It takes half a minute and says nothing, `quiet`
    or not. Raises AffectError where a set is not there.
    """
    encoder: Sentiment = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
    parts = ("train", "dev") if dev else ("train",)
    acts = [one for one in actions(data) if one.split in parts]
    named = [one for one in themes(data) if one.split in parts and one.split != "train"]
    unseen = held_out(emobank(data)) + [one for one in emobank(data) if one.split in parts[1:]]
    short = _encoded(encoder, acts + named)
    mean = _mean(encoder, short, acts, named)
    errors = [
        _values(unseen) - mean({ROLE: _encoded(encoder, unseen)}),
        _crossed(encoder, short, acts, named, seed),
    ]
    odd = encode_all(encoder, [*FOREIGN, *nonsense(NONSENSE, seed)])
    guess = _guess(_values(acts), mean({ROLE: odd}))
    rows = np.concatenate([_encoded(encoder, unseen), short, odd])
    squares = np.concatenate([*(one**2 for one in errors), guess])
    log_sd = _log_sd(rows, squares, seen=len(unseen), short=len(short))
    return Regressors(
        members={"mean": mean, "log_sd": log_sd},
        encoders={ROLE: encoder.card.signature},
        about={"values": list(DIMENSIONS), "log_sd": "natural logarithm of the SD of the mean's error"},
    )


def figures(data: Path = DATA, *, seed: int, part: Part = "folds") -> list[Line]:
    """EmoBank and CAAV, correlations and how often the truth lies within one stated SD.

    folds: the kept tenth of EmoBank's training sentences, and every action phrase by folds; dev: by `fit` of
    train alone; test: rows with the split "test", by the shipped file, of the sets that `data` has.
    """
    encoder: Sentiment = ENCODERS.make("minilm-affect")  # type: ignore[assignment]
    sentences = emobank(data) if (data / "emobank").exists() else []
    acts = actions(data) if (data / "caav_action_norms").exists() else []
    known = [[one for one in texts if one.split == "train"] for texts in (sentences, acts)]
    if part == "folds":
        acts, sentences = [one for one in acts if one.split != "test"], held_out(sentences)
        kept = set(sentences)
        rest = [one for one in known[0] if one not in kept]
        told = fit(data, seed=seed, dev=False)["mean"]({ROLE: _encoded(encoder, sentences)})
        lines = _lines("emobank", sentences, told, _by_lexicons(rest, sentences), part, seed)
        folded = _folded(encoder, data, acts, seed)
        return lines + _lines("caav", acts, folded, _by_ridge(acts, acts, seed), part, seed)
    model = fit(data, seed=seed, dev=False) if part == "dev" else packaged_regressors()["text"]
    lines = []
    for name, texts, taught in (("emobank", sentences, known[0]), ("caav", acts, known[1])):
        asked = [one for one in texts if one.split == part]
        if asked:
            floor = _by_lexicons(taught, asked) if name == "emobank" else _by_ridge(taught, asked, seed)
            lines += _lines(name, asked, _told(model, encoder, asked), floor, part, seed)
    return lines


def nonsense(count: int, seed: int) -> list[str]:
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


def _mean(encoder: Sentiment, short: Rows, acts: Sequence[Rated], named: Sequence[Rated]) -> Regressor:
    """The taught line, plus kernel ridge on what it misses of short texts (n, 386): `acts`, then `named`."""
    line = _taught(encoder)
    missed = np.asarray(_values([*acts, *named]) - line.values({ROLE: short}), np.float64)
    missed -= MIDWAY * missed.mean(axis=0)
    mean, scale = short.mean(axis=0).astype(np.float64), short.std(axis=0).astype(np.float64) + STILL
    scale[-SURFACE:] = 1e6  # only what is said counts: the length would set EmoBank's sentences apart
    rows, gamma = (short - mean) / scale, WIDTH / DIM
    kinds = np.repeat(["action", "theme"], [len(acts), len(named)])
    centres = landmarks(rows, kinds, LEAST)
    weights = np.where(kinds == "action", 1.0, THEMES)
    weight = kernel_ridge(rows, centres, missed, gamma=gamma, penalty=PENALTY, weights=weights)
    nothing = np.zeros(2, np.float32)
    more = KernelReader(
        mean=single(mean), scale=single(scale), centres=single(centres), gamma=gamma,
        weight=single(2 * weight), absent=nothing,
    )  # fmt: skip
    return Regressor(
        towers=(_scaled(line, 2), Tower(readers={ROLE: more}, bias=nothing))
    )  # their mean is the sum


def _taught(encoder: Sentiment) -> Tower:
    weight = np.zeros((DIM, 2), np.float32)
    weight[:-SURFACE] = encoder.adapters["head.weight"].T
    return _linear(np.zeros(DIM), np.ones(DIM), weight, encoder.adapters["head.bias"])


def _scaled(line: Tower, factor: float) -> Tower:
    reader = line.readers[ROLE]
    return _linear(reader.mean, reader.scale, factor * reader.weight, factor * line.bias)


def _linear(mean: npt.ArrayLike, scale: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike) -> Tower:
    mean, scale, weight, bias = (np.asarray(one, np.float32) for one in (mean, scale, weight, bias))
    reader = Reader(mean=mean, scale=scale, weight=weight, absent=np.zeros(2, np.float32))
    return Tower(readers={ROLE: reader}, bias=bias)


def _crossed(
    encoder: Sentiment, short: Rows, acts: Sequence[Rated], named: Sequence[Rated], seed: int
) -> Floats:
    """(n, 2) errors on short texts (`acts`, then `named`) by ridges that had not seen them."""
    every = [*acts, *named]
    errors = np.empty((len(every), 2))
    for away in folds([one.group for one in every], FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(every)), away)
        first, second = rest[rest < len(acts)], rest[rest >= len(acts)]
        model = _mean(encoder, short[rest], [every[i] for i in first], [every[i] for i in second])
        errors[away] = _values([every[i] for i in away]) - model({ROLE: short[away]})
    return errors


def _guess(truths: Floats, told: Rows) -> Floats:
    """(n, 2) mean square error of what is told (n, 2) where the truth might be any of (m, 2)."""
    return np.asarray(truths.var(axis=0) + (truths.mean(axis=0) - told) ** 2)


def _log_sd(rows: Rows, squares: Floats, *, seen: int, short: int) -> Regressor:
    """Log SD, linear in standardised rows (n, 386), most likely for squared errors (n, 2) that are normal.

    The first `seen` rows are sentences, then `short` phrases, then what nobody can read. In the end it is
    moved until `INSIDE` of the sentences and phrases, each half, lie within it.
    """
    from scipy.optimize import minimize

    known = rows[: seen + short].astype(np.float64)
    mean, scale = known.mean(axis=0), known.std(axis=0) + STILL
    inputs = np.clip((rows - mean) / scale, -10, 10)
    share = np.concatenate(
        [np.full(n, w / n) for n, w in ((seen, 0.6), (short, 0.2), (len(rows) - seen - short, 0.2))]
    )
    decay = np.full(DIM, DECAY)
    decay[-SURFACE:] = FORM_DECAY
    weight, bias = np.empty((DIM, 2)), np.empty(2)
    for column in range(2):
        square = squares[:, column]
        start = np.zeros(DIM + 1)
        start[-1] = np.log(share @ square) / 2

        def cost(flat: Floats, square: Floats = square) -> tuple[float, Floats]:
            told = inputs @ flat[:-1] + flat[-1]
            ratio = square * np.exp(-2 * told)
            slope = share * (1 - ratio)
            value = share @ (told + ratio / 2) + decay @ flat[:-1] ** 2 / 2
            return value, np.append(inputs.T @ slope + decay * flat[:-1], slope.sum())

        found = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
        told = inputs @ found[:-1] + found[-1]
        ratio = np.log(np.maximum(square[: seen + short], 1e-12)) / 2 - told[: seen + short]
        parts = ratio[:seen], ratio[seen:]
        shift = np.mean([np.quantile(part, INSIDE) for part in parts])
        weight[:, column], bias[column] = found[:-1], found[-1] + shift
    return Regressor(towers=(_linear(mean, scale, weight, bias),))


def _encoded(encoder: Sentiment, texts: Sequence[Rated]) -> Rows:
    rows = encode_all(encoder, [one.text for one in texts])
    if missing(rows).any():
        raise ValueError("a rated text is empty")
    return rows


def _values(texts: Sequence[Rated]) -> Floats:
    return np.array([one.values for one in texts], np.float64).reshape(-1, 2)


def _told(model: Regressors, encoder: Sentiment, texts: Sequence[Rated]) -> Rows:
    """(n, 4), as `spaces.affect_regression.stated` has them."""
    return stated(model["mean"], model["log_sd"], {ROLE: _encoded(encoder, texts)})


def _folded(encoder: Sentiment, data: Path, acts: Sequence[Rated], seed: int) -> Floats:
    """(n, 2) of action phrases, each by a ridge that had not seen it."""
    named = [one for one in themes(data) if one.split == "dev"]
    short = _encoded(encoder, [*acts, *named])
    return _values(acts) - _crossed(encoder, short, acts, named, seed)[: len(acts)]


def _lines(
    name: str, texts: Sequence[Rated], told: npt.NDArray[np.floating], floor: Floor, part: Part, seed: int
) -> list[Line]:
    """Lines of what is told (n, 2), or (n, 4) with the SDs, of texts."""
    truths, groups = _values(texts), [one.group for one in texts]
    lines = []
    for column, dimension in enumerate(DIMENSIONS):
        pairs = np.stack([told[:, column], truths[:, column]], axis=1)
        plain = f"{floor[0]} {pearson(floor[1][:, column], truths[:, column]):.2f}" if floor else ""
        lines.append(
            line(
                name, f"{dimension} r", pairs, _agreement, part=part, seed=seed, groups=groups, floor=plain,
                ceiling=CEILINGS[dimension] if name == "caav" else "", bar=BARS[name, dimension],
            )
        )  # fmt: skip
        if told.shape[1] == 4:
            inside = np.abs(pairs[:, 0] - pairs[:, 1]) <= told[:, 2 + column]
            lines.append(
                line(name, f"{dimension} within its SD", inside, np.mean, part=part, seed=seed, groups=groups)
            )
    return lines


def _agreement(pairs: Floats) -> float:
    return float(pearson(pairs[:, 0], pairs[:, 1]))


def _by_lexicons(taught: Sequence[Rated], texts: Sequence[Rated]) -> Floor:
    """A line of VADER's compound and how many words NRC's lexicon ties to what; None with nothing taught."""
    if not taught:
        return None
    known, asked = (
        np.array([[sentiment(one.text).compound, *nrc_columns(one.text).values()] for one in part])
        for part in (taught, texts)
    )
    return "lexicons", _ridge(known, _values(taught), asked, 1e-3)


def _by_ridge(taught: Sequence[Rated], texts: Sequence[Rated], seed: int) -> Floor:
    """Ridge on the sentence vectors, by folds where both are the same texts; None with nothing taught."""
    if not taught:
        return None
    encoder = minilm()
    rows = encode_all(encoder, [one.text for one in texts]).astype(np.float64)
    if list(taught) != list(texts):
        known = encode_all(encoder, [one.text for one in taught]).astype(np.float64)
        return "ridge", _ridge(known, _values(taught), rows, 0.3)
    found = np.empty((len(texts), 2))
    for away in folds([one.group for one in texts], FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(texts)), away)
        found[away] = _ridge(rows[rest], _values([texts[i] for i in rest]), rows[away], 0.3)
    return "ridge", found


def _ridge(known: Floats, values: Floats, rows: Floats, penalty: float) -> Floats:
    mean, middle = known.mean(axis=0), values.mean(axis=0)
    return (rows - mean) @ least_squares(known - mean, values - middle, penalty) + middle
