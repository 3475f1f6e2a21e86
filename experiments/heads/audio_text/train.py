"""The audio space's heads: fitted on all clips, and measured on folds they had not heard.

Figures come with intervals that are bootstrapped over the folds of several splits. These share their clips,
so the intervals tell of how the cards fall; one part of that size scatters by `sd`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, encode_all, unit_rows
from experiments.heads.audio_text.clips import (
    Clips,
    Floats,
    Ints,
    Names,
    fold_numbers,
    load_clips,
    match_table,
)
from experiments.heads.audio_text.domain_detection import belonging, belonging_texts
from experiments.heads.audio_text.out_of_domain_texts import strangers
from experiments.heads.audio_text.prompts import ANIMALS, EMOTIONS, Prompt, prompts
from experiments.heads.audio_text.retrieval_metrics import (
    Figures,
    asked,
    class_figures,
    figures,
    precision,
    synonym_figures,
)
from fusion.late_fusion import Calibration, fit_calibration
from retrieval.evaluation import compare
from retrieval.evaluation.resampling import bootstrap_interval
from retrieval.features.pipeline import Experts
from retrieval.search import calibration
from retrieval.search.calibration import PRIOR
from spaces.joint.kernel_ridge import Kernel, Wording, class_weights, kernel_member, single, targets, wording
from spaces.joint.ridge import least_squares
from spaces.joint.space import TEXT, VIEW, Domain, Heads, Member

ROLE = "sound"
FOLDS = 4
SPLITS = 3  # times the clips are dealt anew
LEAST = 0.45  # cosine to the nearest prompt from which a text belongs
MATCH = 0.5  # degree from which a mood prompt and a piece count as matching
TEXTS = 100  # of each kind, of which cosines are calibrated
DRAWS = 500
LINEAR_STRENGTH = 1.0  # of the linear ridge's penalty, see `spaces.joint.ridge`
WAYS = (("sounds",), (VIEW,), ("sounds", VIEW))  # views by which a clip asks for others
HOW = Kernel(width=0.7, penalty=0.07)  # short samples spread the columns, so that all else lies closer

Read = Callable[[Sequence[str]], Rows]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the report: what was measured, by which way, its mean and the 95 % interval.

    sd: of a single fold's value; NaN where the interval is not over folds
    """

    name: str
    way: str
    value: float
    low: float
    high: float
    sd: float
    folds: int

    def __str__(self) -> str:
        scatter = "" if np.isnan(self.sd) else f", sd {self.sd:.3f}"
        told = f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]{scatter}"
        return f"{self.name:<36} {self.way:<16} {told}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Clips, words that tell of them, words that do not; `read` gives unit sentence vectors (n, d)."""

    clips: Clips
    prompts: Sequence[Prompt]
    strangers: Sequence[str]
    read: Read
    how: Kernel = HOW

    @property
    def texts(self) -> list[str]:
        """Of the prompts."""
        return [prompt.text for prompt in self.prompts]

    @cached_property
    def words(self) -> Wording:
        """How sentence vectors are read."""
        return wording(self.read(self.texts), self.read(self.strangers), self.how)

    @cached_property
    def domain(self) -> Domain:
        """Which texts belong."""
        return Domain(texts=self.read(self.texts), least=LEAST, strangers=self.read(self.strangers))

    def targets(self, clips: Clips) -> Floats:
        """(clips, d) where each should come to lie."""
        return targets(np.nan_to_num(match_table(clips, self.prompts)), self.words)

    def member(self, clips: Clips) -> Member:
        """Fitted on these clips and their altered versions."""
        return kernel_member(
            clips.rows,
            ROLE,
            clips.classes.tolist(),
            self.targets(clips),
            self.words,
            self.how,
            altered=clips.altered,
            sources=clips.sources.tolist(),
        )


def audio_heads(experts: Experts, data: Path, *, seed: int) -> tuple[Heads, list[Figure]]:
    """Heads for the audio space, and figures of how good they are on clips and words they had not met.

    experts: any recipe with sound and text; data: the folder of the data sets
    The report stands the kernel's figures beside others that learn from the plain clips alone: the kernel
    too, linear ridge on the same targets, and a support vector machine.
    Raises AffectError where a set is not there.
    """
    listening = Experts(replace(experts.recipe, objects="", activity="", tone="", faces=""))
    clips = load_clips(listening, data, seed=seed)
    told = belonging_texts(data)
    known, plain, others = prompts(), prompts(synonyms=False), strangers()
    said = [
        *(prompt.text for prompt in known),
        *others,
        *asked(),
        *(t for texts in told.values() for t in texts),
    ]
    read = reader(listening, said)
    lesson = Lesson(clips=clips, prompts=known, strangers=others, read=read)
    calibrations = calibrate(lesson, seed)
    sounds = calibration.packaged("audio.sounds", ROLE, listening.signature())
    heads = Heads(
        members=(lesson.member(clips),),
        encoders={role: listening.role(role).card.signature for role in (ROLE, TEXT)},
        domain=lesson.domain,
        calibrations={source: found.to_dict() for source, found in calibrations.items()},
    )
    belongs = belonging(told, plain, others, read, LEAST, seed)
    report = [
        *cross_validated(replace(lesson, prompts=plain), seed),
        *searched(lesson, calibrations[ROLE], sounds, seed),
        *(_line(name, "texts", *share, folds=1) for name, share in belongs.items()),
    ]
    return heads, report


def reader(experts: Experts, texts: Sequence[str]) -> Read:
    """Unit sentence vectors of any of these texts, each read once."""
    unique = list(dict.fromkeys(texts))
    rows = unit_rows(encode_all(experts.role(TEXT), unique))
    place = {text: at for at, text in enumerate(unique)}
    return lambda wanted: rows[[place[text] for text in wanted]]


def cross_validated(lesson: Lesson, seed: int, splits: int = SPLITS) -> list[Figure]:
    """Figures on held-out folds, of the kernel and of other ways on the same folds."""
    by_way: dict[str, list[Figures]] = {}
    for rest, held in _parts(lesson.clips, seed, splits):
        for way, found in _ways(lesson, rest, held):
            by_way.setdefault(way, []).append(found)
    report = [_figure(name, way, found, seed) for way, found in by_way.items() for name in found[0]]
    return report + [
        _difference(name, f"kernel - {way}", by_way["kernel"], found, seed)
        for way, found in by_way.items()
        if way != "kernel"
        for name in ("P@10 animals", "P@10 emotions")
    ]


def calibrate(lesson: Lesson, seed: int) -> dict[str, Calibration]:
    """By source "text" and "sound": how to read cosines of clips that were held out.

    Pairs that don't match are as many of each kind of clip, so that no kind is the whole background.
    """
    right: dict[str, list[Rows]] = {TEXT: [], ROLE: []}
    wrong: dict[str, list[Rows]] = {TEXT: [], ROLE: []}
    rng = np.random.default_rng(seed)
    chosen = _evenly(lesson.prompts, rng)
    for rest, held in _parts(lesson.clips, seed, 1):
        member = lesson.member(rest)
        heard = member.media({ROLE: held.rows})
        said = member.text({TEXT: lesson.read([prompt.text for prompt in chosen])})
        degrees = match_table(held, chosen)
        right[TEXT].append((heard @ said.T)[degrees >= MATCH])
        wrong[TEXT].append((heard @ said.T)[_alike_many(degrees == 0, held.kinds, rng)])
        same = held.classes[:, None] == held.classes
        right[ROLE].append((heard @ heard.T)[np.triu(same, 1)])
        wrong[ROLE].append((heard @ heard.T)[_alike_many(~same, held.kinds, rng)])
    return {
        source: fit_calibration(np.concatenate(wrong[source]), np.concatenate(right[source]), PRIOR)
        for source in right
    }


def searched(lesson: Lesson, words: Calibration, sounds: Calibration | None, seed: int) -> list[Figure]:
    """P@10 of clips found by a clip of their class, held out, by the view "sounds" and with "words" beside.

    As the engine does: the mean of both views' probabilities, and of their cosines where those are equal.
    Macro averages over classes; intervals over groups of clips. Empty without a calibration of "sounds".
    """
    if sounds is None:
        return []
    views = {"sounds": sounds, VIEW: words}
    return [line for kind in ("animal", "speech") for line in _searched(lesson, kind, views, seed)]


def _searched(lesson: Lesson, kind: str, views: Mapping[str, Calibration], seed: int) -> Iterator[Figure]:
    found: dict[str, list[Floats]] = {}
    asked_of = []
    for rest, held in _parts(lesson.clips, seed, 1):
        part = held.part(np.flatnonzero(held.kinds == kind))
        rows = {"sounds": unit_rows(part.rows), VIEW: lesson.member(rest).media({ROLE: part.rows})}
        for used in WAYS:
            cosines = [(views[view], rows[view] @ rows[view].T) for view in used]
            found.setdefault(" + ".join(used), []).append(_found_by_clips(part, cosines))
        asked_of.append(part)
    even = class_weights(np.concatenate([part.classes for part in asked_of]), 1.0)
    groups = np.concatenate([part.groups for part in asked_of])
    macro = {
        way: np.concatenate(values) * even for way, values in found.items()
    }  # their mean is over classes
    name = f"P@10 {kind} by clip"
    for way, values in macro.items():
        low, high = bootstrap_interval(values, seed=seed, draws=DRAWS, groups=groups)
        yield _line(name, way, float(values.mean()), low, high)
    both, alone = macro[" + ".join(WAYS[-1])], macro[WAYS[0][0]]
    gain = compare(both, alone, seed=seed, draws=DRAWS, groups=groups)
    yield _line(name, "gain", gain.value, gain.low, gain.high)


def kernel_cosines(lesson: Lesson, rest: Clips, held: Clips) -> Callable[[Sequence[str]], Rows]:
    """Cosines of texts with held-out clips, by the member that is taught on the rest."""
    heard = lesson.member(rest).media({ROLE: held.rows})
    return lambda texts: _said(lesson, texts) @ heard.T


def linear_cosines(lesson: Lesson, rest: Clips, held: Clips) -> Callable[[Sequence[str]], Rows]:
    """Cosines of texts with held-out clips, by linear ridge to the same targets with the same weights."""
    rows = rest.rows.astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    root = np.sqrt(class_weights(rest.classes, lesson.how.balance))[:, None]
    weight = least_squares(root * (rows - mean) / scale, root * lesson.targets(rest), LINEAR_STRENGTH)
    heard = unit_rows(single((held.rows - mean) / scale @ weight))
    return lambda texts: _said(lesson, texts) @ heard.T


def svm_figures(rest: Clips, held: Clips) -> Figures:
    """A support vector machine on animals and one on emotions."""
    from sklearn.svm import SVC

    found: Figures = {}
    for kind, names, told in (("animal", ANIMALS, "animals"), ("speech", EMOTIONS, "emotions")):
        known, asked_of = (one.part(np.flatnonzero(one.kinds == kind)) for one in (rest, held))
        mean, scale = known.rows.mean(axis=0), known.rows.std(axis=0) + 1e-6
        machine = SVC(C=10, class_weight="balanced").fit((known.rows - mean) / scale, known.labels)
        scores = machine.decision_function((asked_of.rows - mean) / scale)
        order = [list(machine.classes_).index(name) for name in names]
        found |= class_figures(asked_of, told, list(names), scores[:, order])
    return found


def _ways(lesson: Lesson, rest: Clips, held: Clips) -> Iterator[tuple[str, Figures]]:
    plain = replace(rest, altered=rest.altered[:, :0])
    asking = {
        "kernel": kernel_cosines(lesson, rest, held),
        "plain": kernel_cosines(lesson, plain, held),
        "linear": linear_cosines(lesson, rest, held),
    }
    for way, cosines in asking.items():
        yield way, {**figures(held, cosines), **synonym_figures(held, cosines)}
    yield "svm", svm_figures(rest, held)


def _said(lesson: Lesson, texts: Sequence[str]) -> Rows:
    return unit_rows(single((lesson.read(texts) - lesson.words.centre) @ lesson.words.map))


def _parts(clips: Clips, seed: int, splits: int) -> Iterator[tuple[Clips, Clips]]:
    """What is learnt and what is held out, fold by fold."""
    for split in range(splits):
        number = fold_numbers(clips, FOLDS, seed + split)
        for fold in range(FOLDS):
            yield clips.part(np.flatnonzero(number != fold)), clips.part(np.flatnonzero(number == fold))


def _evenly(known: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
    """As many prompts of each kind: there are more words for voices than for animals."""
    kinds = np.array([prompt.kind for prompt in known])
    chosen = [rng.permutation(np.flatnonzero(kinds == kind))[:TEXTS] for kind in np.unique(kinds)]
    return [known[at] for at in np.concatenate(chosen)]


def _alike_many(pairs: npt.NDArray[np.bool_], kinds: Names, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Where (n, m) pairs are true, as many of each kind (n,) of the first of a pair, drawn at random."""
    first, second = np.nonzero(pairs)
    parts = [rng.permutation(np.flatnonzero(kinds[first] == kind)) for kind in np.unique(kinds)]
    drawn = np.concatenate([part[: min(map(len, parts))] for part in parts])
    return first[drawn], second[drawn]


def _found_by_clips(clips: Clips, views: Sequence[tuple[Calibration, Rows]]) -> Floats:
    """(n,) P@10 of each clip's search for others of its class by the mean over views."""
    sure = np.mean([how.probability(cosines) for how, cosines in views], axis=0)
    near = np.mean([cosines for _, cosines in views], axis=0)
    out = np.empty(len(clips.rows))
    for at in range(len(out)):
        others = np.delete(np.arange(len(out)), at)
        order = others[np.lexsort((-near[at, others], -sure[at, others]))]
        out[at] = precision(-np.arange(len(order)), clips.classes[order] == clips.classes[at])
    return out


def _figure(name: str, way: str, found: Sequence[Figures], seed: int) -> Figure:
    values = np.array([one[name] for one in found])
    low, high = bootstrap_interval(values, seed=seed, draws=DRAWS)
    return _line(name, way, float(values.mean()), low, high, float(values.std(ddof=1)), len(values))


def _difference(
    name: str, way: str, first: Sequence[Figures], second: Sequence[Figures], seed: int
) -> Figure:
    gaps = [{name: one[name] - other[name]} for one, other in zip(first, second, strict=True)]
    return _figure(name, way, gaps, seed)


def _line(
    name: str, way: str, value: float, low: float, high: float, sd: float = float("nan"), folds: int = FOLDS
) -> Figure:
    return Figure(name=name, way=way, value=value, low=low, high=high, sd=sd, folds=folds)
