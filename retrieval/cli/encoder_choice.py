"""The encoders of a new library, by --preset and --encoders, and what it can't do without others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.features import DEFAULT_PRESET, PRESETS

if TYPE_CHECKING:
    from retrieval.features import PipelineConfig


def make_pipeline_config(preset: str | None, encoder_spec: str | None) -> PipelineConfig | None:
    """The encoders asked for, None where neither option is given. Raises MissingBackendError."""
    from retrieval.features import PipelineConfig, check_encoders_available

    if preset is None and encoder_spec is None:
        return None
    preset = preset or DEFAULT_PRESET
    config = PipelineConfig.parse(encoder_spec or "", preset)
    chosen = PRESETS[preset].encoder_by_role.items()
    check_encoders_available(name for role, name in chosen if config[role] == name)
    return config


def find_lost_abilities(config: PipelineConfig, preset: str | None) -> list[str]:
    """What the encoders of a preset allow, by default the packaged ones, and those of a library do not."""
    from retrieval.features import FeaturePipeline, PipelineConfig, list_lost_abilities

    reference = PipelineConfig.parse("", preset or DEFAULT_PRESET)
    return list_lost_abilities(FeaturePipeline(config), FeaturePipeline(reference))
