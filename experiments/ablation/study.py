"""An ablation from its options to its results: data, plan, training, measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoders import AffectError
from experiments.ablate import create_out_folder
from experiments.ablation.baselines import supports_zero_shot
from experiments.ablation.custom_losses import check_custom_loss
from experiments.ablation.data_preparation import DataSource, load_dataset, prepare_data
from experiments.ablation.data_record import check_out_folder, count_missing_features
from experiments.ablation.flags import list_flags
from experiments.ablation.notes import RunMetadata
from experiments.ablation.prepared_data import PreparedData
from experiments.ablation.results import AblationResults, measure_rows
from experiments.ablation.row_plan import AblationPlan, check_row_prefixes, plan_rows
from experiments.ablation.runner import run_trials
from experiments.ablation.settings import AblationSettings, apply_overrides, flatten_settings, select_protocol
from experiments.ablation.space_spec import ROLES
from experiments.ablation.trials import Trial
from experiments.statistics.provenance import describe_provenance


@dataclass(frozen=True, kw_only=True)
class AblationOptions:
    """The options of `python -m experiments.ablate`, as they are written there."""

    data: str
    data_root: Path
    features: str | None
    rows: str
    seeds: int
    rules: str
    losses: tuple[str, ...]
    assignments: tuple[str, ...]
    word_vectors: Path | None
    encoders: str
    audio_encoders: tuple[str, ...]
    jobs: int
    out: Path | None


def run_study(
    options: AblationOptions, arguments: Sequence[str]
) -> tuple[RunMetadata, AblationResults, Path]:
    """Prepare the data, train the spaces and measure the rows; returns the folder of the results as well.

    arguments: the command line, for the record

    Raises AffectError.
    """
    settings = apply_overrides(AblationSettings(rules=select_protocol(options.rules)), options.assignments)
    prefixes = [prefix.strip() for prefix in options.rows.split(",") if prefix.strip()]
    check_row_prefixes(prefixes)
    for name in options.losses:
        check_custom_loss(name)
    dataset = load_dataset(options.data, options.data_root, parse_feature_paths(options.features))
    out = options.out or Path("runs") / "ablate" / dataset.name
    create_out_folder(out)
    prepared, source = prepare_data(
        dataset,
        settings,
        encoder_spec=options.encoders,
        audio_encoders=options.audio_encoders,
        word_vectors_path=options.word_vectors,
    )
    check_out_folder(out, source.hashes)
    plan = plan_rows(
        prepared.present_roles,
        settings.text,
        prefixes=prefixes,
        has_zero_shot=supports_zero_shot(source.pipeline, prepared),
        custom_losses=options.losses,
        audio_encoders=options.audio_encoders,
    )
    seeds = range(options.seeds)
    trials = [Trial(space=space, seed=seed) for seed in seeds for space in plan.spaces]
    folders = run_trials(trials, prepared, settings, out / "trials", jobs=options.jobs)
    results = measure_rows(plan, seeds, folders, prepared, source.pipeline, settings.rules)
    return _describe_run(options, settings, plan, prepared, source, results, arguments), results, out


def _describe_run(
    options: AblationOptions,
    settings: AblationSettings,
    plan: AblationPlan,
    prepared: PreparedData,
    source: DataSource,
    results: AblationResults,
    arguments: Sequence[str],
) -> RunMetadata:
    return RunMetadata(
        data=source.dataset.name,
        seeds=options.seeds,
        settings=flatten_settings(settings),
        encoders=source.encoder_signatures,
        notes=source.notes,
        left_out=plan.left_out,
        rules_name=options.rules,
        protocol=settings.rules,
        hashes=source.hashes,
        feature_files=source.feature_files,
        missing_features=count_missing_features(prepared),
        flags=list_flags(results, prepared, settings),
        provenance=describe_provenance("experiments.ablate", arguments),
    )


def parse_feature_paths(spec: str | None) -> Mapping[str, Path] | Path | None:
    """Paths by role from "objects=DIR,sound=FILE.h5", or a folder; None if empty. Raises AffectError."""
    if not spec:
        return None
    if "=" not in spec:
        return Path(spec)
    pairs = dict(part.partition("=")[::2] for part in spec.split(",") if part.strip())
    if unknown := [role for role in pairs if role.strip() not in ROLES]:
        raise AffectError(f"no role {', '.join(unknown)}; roles: {', '.join(ROLES)}")
    return {role.strip(): Path(path.strip()) for role, path in pairs.items()}
