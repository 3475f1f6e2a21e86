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
    Floats,
    Ints,
    LabelledClips,
    Strings,
    assign_folds,
    compute_match_matrix,
    load_clips,
)
from experiments.heads.audio_text.domain_detection import evaluate_domain_detection, load_domain_texts
from experiments.heads.audio_text.out_of_domain_texts import list_out_of_domain_texts
from experiments.heads.audio_text.prompts import ANIMALS, EMOTIONS, Prompt, list_prompts
from experiments.heads.audio_text.retrieval_metrics import (
    Metrics,
    compute_classifier_metrics,
    compute_metrics,
    compute_synonym_metrics,
    list_queries,
    precision_at_k,
)
from fusion.late_fusion import Calibration, fit_calibration
from retrieval.evaluation import compare_paired
from retrieval.evaluation.resampling import bootstrap_interval
from retrieval.features.pipeline import FeaturePipeline
from retrieval.search import calibration
from retrieval.search.calibration import MATCH_PRIOR
from spaces.joint.kernel_ridge import (
    KernelRidgeConfig,
    TextProjection,
    compute_class_weights,
    compute_targets,
    fit_kernel_tower_pair,
    fit_text_projection,
    to_float32,
)
from spaces.joint.ridge import solve_ridge
from spaces.joint.space import TEXT_ROLE, WORDS_VIEW, Heads, TextDomain, TowerPair

ROLE = "sound"
N_FOLDS = 4
N_REPEATS = 3  # times the clips are dealt anew
DOMAIN_MIN_COSINE = 0.45  # cosine to the nearest prompt from which a text belongs
MATCH_THRESHOLD = 0.5  # degree from which a mood prompt and a piece count as matching
MAX_TEXTS_PER_KIND = 100  # of each kind, of which cosines are calibrated
N_BOOTSTRAP_DRAWS = 500
LINEAR_RIDGE_STRENGTH = 1.0  # of the linear ridge's penalty, see `spaces.joint.ridge`
VIEW_COMBINATIONS = (
    ("sounds",),
    (WORDS_VIEW,),
    ("sounds", WORDS_VIEW),
)  # views by which a clip asks for others
KERNEL_CONFIG = KernelRidgeConfig(
    width=0.7, penalty=0.07
)  # short samples spread the columns, so that all else lies closer

EncodeTexts = Callable[[Sequence[str]], Rows]


@dataclass(frozen=True, kw_only=True)
class MetricSummary:
    """One line of the report: what was measured, by which way, its mean and the 95 % interval.

    sd: of a single fold's value; NaN where the interval is not over folds
    """

    name: str
    method: str
    value: float
    low: float
    high: float
    sd: float
    n_folds: int

    def __str__(self) -> str:
        scatter = "" if np.isnan(self.sd) else f", sd {self.sd:.3f}"
        told = f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]{scatter}"
        return f"{self.name:<36} {self.method:<16} {told}"


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Clips, words for them, words for others; `encode_texts` gives unit sentence vectors (n, d)."""

    clips: LabelledClips
    prompts: Sequence[Prompt]
    out_of_domain_texts: Sequence[str]
    encode_texts: EncodeTexts
    kernel_config: KernelRidgeConfig = KERNEL_CONFIG

    @property
    def prompt_texts(self) -> list[str]:
        """Of the prompts."""
        return [prompt.text for prompt in self.prompts]

    @cached_property
    def text_projection(self) -> TextProjection:
        """How sentence vectors are read."""
        return fit_text_projection(
            self.encode_texts(self.prompt_texts),
            self.encode_texts(self.out_of_domain_texts),
            self.kernel_config,
        )

    @cached_property
    def domain(self) -> TextDomain:
        """Which texts belong."""
        return TextDomain(
            in_domain=self.encode_texts(self.prompt_texts),
            min_similarity=DOMAIN_MIN_COSINE,
            out_of_domain=self.encode_texts(self.out_of_domain_texts),
        )

    def compute_targets(self, clips: LabelledClips) -> Floats:
        """(clips, d) where each should come to lie."""
        return compute_targets(np.nan_to_num(compute_match_matrix(clips, self.prompts)), self.text_projection)

    def fit_member(self, clips: LabelledClips) -> TowerPair:
        """Fitted on these clips and their altered versions."""
        return fit_kernel_tower_pair(
            clips.features,
            ROLE,
            clips.classes.tolist(),
            self.compute_targets(clips),
            self.text_projection,
            self.kernel_config,
            augmented_features=clips.augmented_features,
            sources=clips.sources.tolist(),
        )


def fit_audio_heads(
    pipeline: FeaturePipeline, data_root: Path, *, seed: int
) -> tuple[Heads, list[MetricSummary]]:
    """Heads for the audio space, and figures of how good they are on clips and words they had not met.

    pipeline: any recipe with sound and text; data: the folder of the data sets
    The report stands the kernel's figures beside others that learn from the plain clips alone: the kernel
    too, linear ridge on the same targets, and a support vector machine.
    Raises AffectError where a set is not there.
    """
    listening = FeaturePipeline(pipeline.config.replace(objects="", activity="", tone="", faces=""))
    clips = load_clips(listening, data_root, seed=seed)
    told = load_domain_texts(data_root)
    known, plain, others = list_prompts(), list_prompts(include_synonyms=False), list_out_of_domain_texts()
    said = [
        *(prompt.text for prompt in known),
        *others,
        *list_queries(),
        *(t for texts in told.values() for t in texts),
    ]
    read = make_text_encoder(listening, said)
    lesson = TrainingSet(clips=clips, prompts=known, out_of_domain_texts=others, encode_texts=read)
    calibrations = fit_calibrations(lesson, seed)
    sounds = calibration.load_packaged_calibration("audio.sounds", ROLE, listening.make_signature())
    heads = Heads(
        members=(lesson.fit_member(clips),),
        encoder_signatures={role: listening.get_encoder(role).card.signature for role in (ROLE, TEXT_ROLE)},
        domain=lesson.domain,
        calibrations={source: found.to_dict() for source, found in calibrations.items()},
    )
    belongs = evaluate_domain_detection(told, plain, others, read, DOMAIN_MIN_COSINE, seed)
    report = [
        *cross_validate(replace(lesson, prompts=plain), seed),
        *evaluate_search(lesson, calibrations[ROLE], sounds, seed),
        *(_make_summary(name, "texts", *share, n_folds=1) for name, share in belongs.items()),
    ]
    return heads, report


def make_text_encoder(pipeline: FeaturePipeline, texts: Sequence[str]) -> EncodeTexts:
    """Unit sentence vectors of any of these texts, each read once."""
    unique = list(dict.fromkeys(texts))
    rows = unit_rows(encode_all(pipeline.get_encoder(TEXT_ROLE), unique))
    place = {text: at for at, text in enumerate(unique)}
    return lambda wanted: rows[[place[text] for text in wanted]]


def cross_validate(training_set: TrainingSet, seed: int, n_repeats: int = N_REPEATS) -> list[MetricSummary]:
    """Figures on held-out folds, of the kernel and of other ways on the same folds."""
    by_way: dict[str, list[Metrics]] = {}
    for rest, held in _split_folds(training_set.clips, seed, n_repeats):
        for way, found in _compare_methods(training_set, rest, held):
            by_way.setdefault(way, []).append(found)
    report = [_summarise_folds(name, way, found, seed) for way, found in by_way.items() for name in found[0]]
    return report + [
        _summarise_difference(name, f"kernel - {way}", by_way["kernel"], found, seed)
        for way, found in by_way.items()
        if way != "kernel"
        for name in ("P@10 animals", "P@10 emotions")
    ]


def fit_calibrations(training_set: TrainingSet, seed: int) -> dict[str, Calibration]:
    """By source "text" and "sound": how to read cosines of clips that were held out.

    Pairs that don't match are as many of each kind of clip, so that no kind is the whole background.
    """
    right: dict[str, list[Rows]] = {TEXT_ROLE: [], ROLE: []}
    wrong: dict[str, list[Rows]] = {TEXT_ROLE: [], ROLE: []}
    rng = np.random.default_rng(seed)
    chosen = _sample_prompts_per_kind(training_set.prompts, rng)
    for rest, held in _split_folds(training_set.clips, seed, 1):
        member = training_set.fit_member(rest)
        heard = member.media({ROLE: held.features})
        said = member.text({TEXT_ROLE: training_set.encode_texts([prompt.text for prompt in chosen])})
        degrees = compute_match_matrix(held, chosen)
        right[TEXT_ROLE].append((heard @ said.T)[degrees >= MATCH_THRESHOLD])
        wrong[TEXT_ROLE].append((heard @ said.T)[_sample_pairs_per_kind(degrees == 0, held.kinds, rng)])
        same = held.classes[:, None] == held.classes
        right[ROLE].append((heard @ heard.T)[np.triu(same, 1)])
        wrong[ROLE].append((heard @ heard.T)[_sample_pairs_per_kind(~same, held.kinds, rng)])
    return {
        source: fit_calibration(np.concatenate(wrong[source]), np.concatenate(right[source]), MATCH_PRIOR)
        for source in right
    }


def evaluate_search(
    training_set: TrainingSet, text_calibration: Calibration, audio_calibration: Calibration | None, seed: int
) -> list[MetricSummary]:
    """P@10 of clips found by a clip of their class, held out, by the view "sounds" and with "words" beside.

    As the engine does: the mean of both views' probabilities, and of their cosines where those are equal.
    Macro averages over classes; intervals over groups of clips. Empty without a calibration of "sounds".
    """
    if audio_calibration is None:
        return []
    views = {"sounds": audio_calibration, WORDS_VIEW: text_calibration}
    return [
        line
        for kind in ("animal", "speech")
        for line in _evaluate_search_of_kind(training_set, kind, views, seed)
    ]


def _evaluate_search_of_kind(
    training_set: TrainingSet, kind: str, calibrations: Mapping[str, Calibration], seed: int
) -> Iterator[MetricSummary]:
    found: dict[str, list[Floats]] = {}
    asked_of = []
    for rest, held in _split_folds(training_set.clips, seed, 1):
        part = held.select(np.flatnonzero(held.kinds == kind))
        rows = {
            "sounds": unit_rows(part.features),
            WORDS_VIEW: training_set.fit_member(rest).media({ROLE: part.features}),
        }
        for used in VIEW_COMBINATIONS:
            cosines = [(calibrations[view], rows[view] @ rows[view].T) for view in used]
            found.setdefault(" + ".join(used), []).append(_compute_clip_precision(part, cosines))
        asked_of.append(part)
    even = compute_class_weights(np.concatenate([part.classes for part in asked_of]), 1.0)
    groups = np.concatenate([part.groups for part in asked_of])
    macro = {
        way: np.concatenate(values) * even for way, values in found.items()
    }  # their mean is over classes
    name = f"P@10 {kind} by clip"
    for way, values in macro.items():
        low, high = bootstrap_interval(values, seed=seed, draws=N_BOOTSTRAP_DRAWS, groups=groups)
        yield _make_summary(name, way, float(values.mean()), low, high)
    both, alone = macro[" + ".join(VIEW_COMBINATIONS[-1])], macro[VIEW_COMBINATIONS[0][0]]
    gain = compare_paired(both, alone, seed=seed, draws=N_BOOTSTRAP_DRAWS, groups=groups)
    yield _make_summary(name, "gain", gain.value, gain.low, gain.high)


def make_kernel_cosines(
    training_set: TrainingSet, train_clips: LabelledClips, test_clips: LabelledClips
) -> Callable[[Sequence[str]], Rows]:
    """Cosines of texts with held-out clips, by the member that is taught on the rest."""
    heard = training_set.fit_member(train_clips).media({ROLE: test_clips.features})
    return lambda texts: _project_texts(training_set, texts) @ heard.T


def make_linear_cosines(
    training_set: TrainingSet, train_clips: LabelledClips, test_clips: LabelledClips
) -> Callable[[Sequence[str]], Rows]:
    """Cosines of texts with held-out clips, by linear ridge to the same targets with the same weights."""
    rows = train_clips.features.astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    root = np.sqrt(compute_class_weights(train_clips.classes, training_set.kernel_config.class_balance))[
        :, None
    ]
    weight = solve_ridge(
        root * (rows - mean) / scale, root * training_set.compute_targets(train_clips), LINEAR_RIDGE_STRENGTH
    )
    heard = unit_rows(to_float32((test_clips.features - mean) / scale @ weight))
    return lambda texts: _project_texts(training_set, texts) @ heard.T


def compute_svm_metrics(train_clips: LabelledClips, test_clips: LabelledClips) -> Metrics:
    """A support vector machine on animals and one on emotions."""
    from sklearn.svm import SVC

    found: Metrics = {}
    for kind, names, told in (("animal", ANIMALS, "animals"), ("speech", EMOTIONS, "emotions")):
        known, asked_of = (one.select(np.flatnonzero(one.kinds == kind)) for one in (train_clips, test_clips))
        mean, scale = known.features.mean(axis=0), known.features.std(axis=0) + 1e-6
        machine = SVC(C=10, class_weight="balanced").fit((known.features - mean) / scale, known.labels)
        scores = machine.decision_function((asked_of.features - mean) / scale)
        order = [list(machine.classes_).index(name) for name in names]
        found |= compute_classifier_metrics(asked_of, told, list(names), scores[:, order])
    return found


def _compare_methods(
    training_set: TrainingSet, train_clips: LabelledClips, test_clips: LabelledClips
) -> Iterator[tuple[str, Metrics]]:
    plain = replace(train_clips, augmented_features=train_clips.augmented_features[:, :0])
    asking = {
        "kernel": make_kernel_cosines(training_set, train_clips, test_clips),
        "plain": make_kernel_cosines(training_set, plain, test_clips),
        "linear": make_linear_cosines(training_set, train_clips, test_clips),
    }
    for way, cosines in asking.items():
        yield way, {**compute_metrics(test_clips, cosines), **compute_synonym_metrics(test_clips, cosines)}
    yield "svm", compute_svm_metrics(train_clips, test_clips)


def _project_texts(training_set: TrainingSet, texts: Sequence[str]) -> Rows:
    return unit_rows(
        to_float32(
            (training_set.encode_texts(texts) - training_set.text_projection.centre)
            @ training_set.text_projection.matrix
        )
    )


def _split_folds(
    clips: LabelledClips, seed: int, n_repeats: int
) -> Iterator[tuple[LabelledClips, LabelledClips]]:
    """What is learnt and what is held out, fold by fold."""
    for split in range(n_repeats):
        number = assign_folds(clips, N_FOLDS, seed + split)
        for fold in range(N_FOLDS):
            yield clips.select(np.flatnonzero(number != fold)), clips.select(np.flatnonzero(number == fold))


def _sample_prompts_per_kind(prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
    """As many prompts of each kind: there are more words for voices than for animals."""
    kinds = np.array([prompt.kind for prompt in prompts])
    chosen = [
        rng.permutation(np.flatnonzero(kinds == kind))[:MAX_TEXTS_PER_KIND] for kind in np.unique(kinds)
    ]
    return [prompts[at] for at in np.concatenate(chosen)]


def _sample_pairs_per_kind(
    mask: npt.NDArray[np.bool_], kinds: Strings, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Where (n, m) pairs are true, as many of each kind (n,) of the first of a pair, drawn at random."""
    first, second = np.nonzero(mask)
    parts = [rng.permutation(np.flatnonzero(kinds[first] == kind)) for kind in np.unique(kinds)]
    drawn = np.concatenate([part[: min(map(len, parts))] for part in parts])
    return first[drawn], second[drawn]


def _compute_clip_precision(
    clips: LabelledClips, calibrated_views: Sequence[tuple[Calibration, Rows]]
) -> Floats:
    """(n,) P@10 of each clip's search for others of its class by the mean over views."""
    sure = np.mean([how.to_probabilities(cosines) for how, cosines in calibrated_views], axis=0)
    near = np.mean([cosines for _, cosines in calibrated_views], axis=0)
    out = np.empty(len(clips.features))
    for at in range(len(out)):
        others = np.delete(np.arange(len(out)), at)
        order = others[np.lexsort((-near[at, others], -sure[at, others]))]
        out[at] = precision_at_k(-np.arange(len(order)), clips.classes[order] == clips.classes[at])
    return out


def _summarise_folds(name: str, method: str, fold_metrics: Sequence[Metrics], seed: int) -> MetricSummary:
    values = np.array([one[name] for one in fold_metrics])
    low, high = bootstrap_interval(values, seed=seed, draws=N_BOOTSTRAP_DRAWS)
    return _make_summary(
        name, method, float(values.mean()), low, high, float(values.std(ddof=1)), len(values)
    )


def _summarise_difference(
    name: str, method: str, first: Sequence[Metrics], second: Sequence[Metrics], seed: int
) -> MetricSummary:
    gaps = [{name: one[name] - other[name]} for one, other in zip(first, second, strict=True)]
    return _summarise_folds(name, method, gaps, seed)


def _make_summary(
    name: str,
    method: str,
    value: float,
    low: float,
    high: float,
    sd: float = float("nan"),
    n_folds: int = N_FOLDS,
) -> MetricSummary:
    return MetricSummary(name=name, method=method, value=value, low=low, high=high, sd=sd, n_folds=n_folds)
