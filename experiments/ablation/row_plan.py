"""Which rows of the table a data set allows, and why the others are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from encoders import AffectError
from experiments.ablation.space_spec import SpaceSpec, TextTower, label_role
from experiments.ablation.table_rows import (
    BEST_ZERO_SHOT_ROW,
    EMOTION_SPACE,
    TABLE_ROWS,
    TableRow,
    list_table_rows,
    make_audio_rows,
    make_loss_rows,
)


@dataclass(frozen=True, kw_only=True)
class AblationPlan:
    """The rows that the data allows, with resolved spaces, and the reason by name of each row left out."""

    rows: tuple[TableRow, ...]
    left_out: dict[str, str]

    @property
    def spaces(self) -> tuple[SpaceSpec, ...]:
        """The spaces to train, each once."""
        return tuple(dict.fromkeys(space for row in self.rows for space in row.spaces))


def check_row_prefixes(prefixes: Sequence[str]) -> None:
    """Raises AffectError for a prefix that no row's name has."""
    for prefix in prefixes:
        if not any(row.name.startswith(prefix) for row in TABLE_ROWS):
            groups = ", ".join(dict.fromkeys(row.group for row in TABLE_ROWS))
            raise AffectError(f"no row {prefix!r}; groups: {groups}")


def plan_rows(
    present_roles: Sequence[str],
    text_tower: TextTower,
    *,
    prefixes: Sequence[str] = (),
    has_zero_shot: bool = True,
    custom_losses: Sequence[str] = (),
    audio_encoders: Sequence[str] = (),
) -> AblationPlan:
    """The rows whose names begin with one of the prefixes (all without), and those they are compared with.

    present_roles: roles with features in this data
    text_tower: the text tower of the settings
    has_zero_shot: whether there is a space in which text and items can be compared without training
    custom_losses, audio_encoders: a user's own losses and further audio experts, whose rows are planned
        whatever the prefixes

    Raises AffectError for a prefix that no row has, or if the data allows no row.
    """
    check_row_prefixes(prefixes)
    planned: dict[str, TableRow] = {}
    left_out: dict[str, str] = {}
    extra_rows = [*make_loss_rows(custom_losses), *make_audio_rows(audio_encoders)]
    for row in list_table_rows(extra_rows):
        if reason := _explain_exclusion(row, present_roles, text_tower, has_zero_shot, planned):
            left_out[row.name] = reason
        else:
            planned[row.name] = _resolve_row(row, present_roles, text_tower)
    for name, row in planned.items():
        planned[name] = replace(row, against=tuple(base for base in row.against if base in planned)[:1])
    starts = (*prefixes, *(row.name for row in extra_rows)) if prefixes else ("",)
    chosen = {name for name in planned if name.startswith(starts)}
    while references := {base for name in chosen for base in planned[name].against} - chosen:
        chosen |= references
    if not chosen:
        messages = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
        raise AffectError(f"no row can be had: {messages}")
    if not any(planned[name].spaces for name in chosen) and BEST_ZERO_SHOT_ROW in chosen:
        raise AffectError(f"{BEST_ZERO_SHOT_ROW}: best of which rows? name some beside it")
    return AblationPlan(
        rows=tuple(row for name, row in planned.items() if name in chosen),
        left_out={name: reason for name, reason in left_out.items() if name.startswith(starts)},
    )


def _resolve_row(row: TableRow, present_roles: Sequence[str], text_tower: TextTower) -> TableRow:
    spaces = (space.resolve(present_roles, text_tower) for space in row.spaces)
    ridge_roles = tuple(role for role in row.ridge_roles if role in present_roles)
    return replace(row, spaces=tuple(dict.fromkeys(filter(None, spaces))), ridge_roles=ridge_roles)


def _explain_exclusion(
    row: TableRow,
    present_roles: Sequence[str],
    text_tower: TextTower,
    has_zero_shot: bool,
    planned: dict[str, TableRow],
) -> str:
    """Why the data does not allow a row, or which planned row it equals; empty if it is to be planned."""
    required = dict.fromkeys(
        role for space in row.spaces for role in space.roles if not space.allows_missing_roles
    )
    lacking = [label_role(role) for role in required if role not in present_roles]
    if lacking:
        return f"needs {' and '.join(lacking)}"
    if any(space.resolve(present_roles, text_tower) is None for space in row.spaces):
        return f"needs one of {', '.join(map(label_role, EMOTION_SPACE.roles))}"
    if row.baseline in ("zero-shot", "best + zero-shot") and not has_zero_shot:
        return "needs the engine's own object expert and media"
    resolved = _resolve_row(row, present_roles, text_tower)
    if row.baseline == "ridge" and not resolved.ridge_roles:
        return f"needs {' or '.join(map(label_role, row.ridge_roles))}"
    for other in planned.values():
        is_same_group = other.group == row.group or row.group == "2.1"
        if is_same_group and _get_content(other) == _get_content(resolved):
            return f"is the same as {other.name} here"
    return ""


def _get_content(row: TableRow) -> tuple[object, ...]:
    """What determines the figures of a resolved row."""
    return set(row.spaces), row.baseline, row.ridge_roles
