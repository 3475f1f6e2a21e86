"""Settings of an ablation, which `--set loss.margin=0.1` overrides by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from encoders import AffectError
from experiments.ablation.space_spec import TextTower
from retrieval.evaluation import PUBLISHED_PROTOCOLS, EvaluationProtocol
from retrieval.evaluation.rules import DEFAULT_PROTOCOL
from spaces.joint import Schedule

DEFAULT_RULES = "project"  # their name
PROTOCOLS: dict[str, EvaluationProtocol] = {DEFAULT_RULES: DEFAULT_PROTOCOL, **PUBLISHED_PROTOCOLS}
UNUSED_SETTINGS = ("rules.post",)  # similarities are not postprocessed here

DEFAULT_SCHEDULE = Schedule(
    warm=3, patience=12
)  # the paper's, both values chosen on dev of the synthetic set


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """margin: of the ranking losses, a difference of cosines; temperature: of InfoNCE."""

    margin: float = 0.2
    temperature: float = 0.05

    def __post_init__(self) -> None:
        if not (self.margin >= 0 and self.temperature > 0):
            raise ValueError(f"loss.margin must be >= 0 and loss.temperature above 0: {self}")


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """dim: of a space (1024 in the paper); dropout: of the features before they are projected."""

    dim: int = 256
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.dim < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"heads.dim must be 1 or more, heads.dropout from 0 to below 1: {self}")


@dataclass(frozen=True, kw_only=True)
class WordSettings:
    """width: of the trained word vectors; least: occurrences in training from which a word has a vector."""

    width: int = 300
    least: int = 1

    def __post_init__(self) -> None:
        if self.width < 1 or self.least < 1:
            raise ValueError(f"words.width and words.least must be 1 or more: {self}")


@dataclass(frozen=True, kw_only=True)
class AblationSettings:
    """All settings.

    fps, most: frames a second, and the maximum number of frames of a segment of 15 s
    share:     share of train that becomes dev where the set has no dev split
    rules:     of the evaluation on test; on dev the default ones hold
    """

    loss: LossSettings = LossSettings()
    schedule: Schedule = DEFAULT_SCHEDULE
    heads: HeadSettings = HeadSettings()
    words: WordSettings = WordSettings()
    text: TextTower = "gru"
    fps: float = 4.0
    most: int = 12
    share: float = 0.1
    rules: EvaluationProtocol = DEFAULT_PROTOCOL

    def __post_init__(self) -> None:
        if not self.fps > 0 or self.most < 1 or not 0 < self.share < 1:
            raise ValueError(f"fps must be above 0, most 1 or more, share between 0 and 1: {self}")
        if self.schedule.warm >= self.schedule.epochs:
            raise ValueError(
                f"schedule.warm {self.schedule.warm} leaves none of schedule.epochs {self.schedule.epochs} "
                "to the loss itself; set both"
            )


def select_protocol(name: str) -> EvaluationProtocol:
    """The rules of an evaluation by the name of the evaluator. Raises AffectError for an unknown one."""
    if name not in PROTOCOLS:
        raise AffectError(f"no rules {name!r}; known: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def apply_overrides(settings: AblationSettings, assignments: Sequence[str]) -> AblationSettings:
    """The settings with "name=value" pairs applied. Raises AffectError for an unknown name or a bad value."""
    type_by_name = dict(list_settings(settings))
    values: dict[str, Any] = {}
    for pair in assignments:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if name not in type_by_name:
            raise AffectError(f"no setting {name!r}; known: {', '.join(type_by_name)}")
        if not equals:
            raise AffectError(f"setting {name}: write it as {name}=value")
        values[name] = _parse_value(name, text, type_by_name[name])
    try:
        return _replace_nested(settings, values)
    except ValueError as error:
        raise AffectError(str(error)) from error


def list_settings(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, type) of every setting."""
    hints = get_type_hints(type(settings))
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            yield from list_settings(value, f"{prefix}{entry.name}.")
        elif f"{prefix}{entry.name}" not in UNUSED_SETTINGS:
            yield f"{prefix}{entry.name}", hints[entry.name]


def flatten_settings(settings: AblationSettings) -> dict[str, Any]:
    """Every setting's value by its dotted name."""
    values: dict[str, Any] = {}
    for name, _ in list_settings(settings):
        value: Any = settings
        for part in name.split("."):
            value = getattr(value, part)
        values[name] = value
    return values


def _replace_nested(settings: Any, values: Mapping[str, Any]) -> Any:
    changes: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
    for part in {name.partition(".")[0] for name in values if "." in name}:
        nested = {
            name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{part}.")
        }
        changes[part] = _replace_nested(getattr(settings, part), nested)
    return replace(settings, **changes)


def _parse_value(name: str, text: str, value_type: Any) -> Any:
    if get_origin(value_type) is Literal:
        if text not in get_args(value_type):
            raise AffectError(f"setting {name}: {text!r}; known: {', '.join(get_args(value_type))}")
        return text
    try:
        value = value_type(text)
        if value_type is float and not math.isfinite(value):
            raise ValueError(text)
        return value
    except ValueError as error:
        expected = {int: "a whole number", float: "a number"}[value_type]
        raise AffectError(f"setting {name}: {text!r} is not {expected}") from error
