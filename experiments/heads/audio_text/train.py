"""Trains the heads of the audio space on all clips, and evaluates them on held-out folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.heads.audio_text.audio_augmentation import ROLES
from experiments.heads.audio_text.calibrations import fit_calibrations
from experiments.heads.audio_text.clip_search import evaluate_search
from experiments.heads.audio_text.clips import load_clips
from experiments.heads.audio_text.cross_validation import cross_validate
from experiments.heads.audio_text.domain_detection import evaluate_domain_detection, load_domain_texts
from experiments.heads.audio_text.metric_summary import MetricSummary
from experiments.heads.audio_text.out_of_domain_texts import list_out_of_domain_texts
from experiments.heads.audio_text.prompts import list_prompts
from experiments.heads.audio_text.retrieval_metrics import list_queries
from experiments.heads.audio_text.training_set import (
    DOMAIN_MIN_COSINE,
    ROLE,
    EncodeTexts,
    TrainingSet,
    make_text_encoder,
)
from fusion import Calibration
from retrieval.features import FeaturePipeline
from retrieval.search import calibration
from spaces.joint import TEXT_ROLE, Heads


def fit_audio_heads(
    pipeline: FeaturePipeline, data_root: Path, *, seed: int
) -> tuple[Heads, list[MetricSummary]]:
    """Heads for the audio space, and their metrics on held-out clips and words.

    pipeline: any configuration with sound, its events and text

    The report compares the kernel with methods trained on the plain clips alone: the kernel too, linear
    ridge on the same targets, and a support vector machine. Raises AffectError where a set is missing.
    """
    audio_pipeline = FeaturePipeline(
        pipeline.config.replace(objects="", activity="", pose="", tone="", faces="")
    )
    domain_texts = load_domain_texts(data_root)
    training_set = TrainingSet(
        clips=load_clips(audio_pipeline, data_root, seed=seed),
        prompts=list_prompts(),
        out_of_domain_texts=list_out_of_domain_texts(),
        encode_texts=_make_encoder_of_all_texts(audio_pipeline, domain_texts),
    )
    calibrations = fit_calibrations(training_set, seed)
    heads = _make_heads(training_set, calibrations, audio_pipeline)
    audio_calibration = calibration.load_packaged_calibration(
        "audio.sounds", ROLE, audio_pipeline.make_signature()
    )
    return heads, _evaluate(training_set, calibrations, audio_calibration, domain_texts, seed)


def _make_encoder_of_all_texts(
    pipeline: FeaturePipeline, domain_texts: Mapping[str, Sequence[str]]
) -> EncodeTexts:
    return make_text_encoder(
        pipeline,
        [
            *(prompt.text for prompt in list_prompts()),
            *list_out_of_domain_texts(),
            *list_queries(),
            *(text for texts in domain_texts.values() for text in texts),
        ],
    )


def _make_heads(
    training_set: TrainingSet, calibrations: Mapping[str, Calibration], pipeline: FeaturePipeline
) -> Heads:
    return Heads(
        members=(training_set.fit_member(training_set.clips),),
        encoder_signatures={role: pipeline.get_encoder(role).card.signature for role in (*ROLES, TEXT_ROLE)},
        required_roles=(ROLE,),
        domain=training_set.domain,
        calibrations={source: fitted.to_dict() for source, fitted in calibrations.items()},
    )


def _evaluate(
    training_set: TrainingSet,
    calibrations: Mapping[str, Calibration],
    audio_calibration: Calibration | None,
    domain_texts: Mapping[str, Sequence[str]],
    seed: int,
) -> list[MetricSummary]:
    """Metrics of retrieval by words, of retrieval by clip, and of domain detection."""
    without_synonyms = list_prompts(include_synonyms=False)
    domain_metrics = evaluate_domain_detection(
        domain_texts, without_synonyms, training_set.out_of_domain_texts, training_set.encode_texts,
        DOMAIN_MIN_COSINE, seed,
    )  # fmt: skip
    return [
        *cross_validate(replace(training_set, prompts=without_synonyms), seed),
        *evaluate_search(training_set, calibrations[ROLE], audio_calibration, seed),
        *(
            MetricSummary(name=name, method="texts", value=share.value, low=share.low, high=share.high)
            for name, share in domain_metrics.items()
        ),
    ]
