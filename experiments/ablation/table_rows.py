"""The rows of the table: JEMC's Table 1 (Mithun et al. 2018), then what the paper does not have.

A row is one or more trained spaces whose similarities are added up, or a baseline. Rows that share a space
share its training. To add a row, add a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from encoders.base import AffectError
from losses.ranking import WeightShape

TextTower = Literal["gru", "sentence"]
Baseline = Literal["zero-shot", "ridge", "best + zero-shot"]

ROLE_LABELS = {
    "objects": "object",
    "activity": "activity",
    "sound": "audio",
    "faces": "faces",
    "affect": "affect",
}
"""What a role is called in the paper and in tables."""
ROLES = tuple(ROLE_LABELS)


@dataclass(frozen=True, kw_only=True)
class LossSpec:
    """A loss by its name in `losses.LOSSES`; `strength` and `shape` are those of "weighted"."""

    name: str = "weighted"
    strength: float = 1.0
    shape: WeightShape = "jemc"

    def __str__(self) -> str:
        paper = self.name != "weighted" or (self.strength, self.shape) == (1.0, "jemc")
        return self.name if paper else f"weighted {self.strength:g} {self.shape}"


@dataclass(frozen=True, kw_only=True)
class SpaceSpec:
    """One space to train.

    roles:    what is projected into it, side by side
    allows_missing_roles: not all of the roles need be there
    shared:   each role has a projection of its own, drawn to the first (row 1.4)
    text_tower: the text tower; None is the one that is set
    released: by the schedule of the released code
    """

    roles: tuple[str, ...]
    allows_missing_roles: bool = False
    shared: bool = False
    loss: LossSpec = LossSpec()
    text_tower: TextTower | None = None
    released: bool = False

    def resolve(self, present_roles: Iterable[str], text_tower: TextTower) -> SpaceSpec | None:
        """The space as it can be had from these roles; None if it can't."""
        there = tuple(role for role in self.roles if role in set(present_roles))
        if not there or (not self.allows_missing_roles and there != self.roles):
            return None
        return replace(
            self, roles=there, allows_missing_roles=False, text_tower=self.text_tower or text_tower
        )

    def __str__(self) -> str:
        told = ", ".join(ROLE_LABELS[role] for role in self.roles)
        told = f"shared({told})" if self.shared else f"[{told}]" if len(self.roles) > 1 else told
        about = [
            "" if self.loss == LossSpec() else str(self.loss),
            "" if self.text_tower == "gru" else self.text_tower or "",
        ]
        about.append("released" if self.released else "")
        return ", ".join(filter(None, (told, *about)))


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One line of the table.

    name:    its group, then what it is
    spaces:  whose similarities are added up
    ridge_roles: the roles of the baseline "ridge"; those that are there are taken
    against: names of rows to compare with, of which the first that is here is taken
    """

    name: str
    spaces: tuple[SpaceSpec, ...] = ()
    baseline: Baseline | None = None
    ridge_roles: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """Its number, such as "1.1"."""
        return self.name.split()[0]


OBJECT_SPACE, ACTIVITY_SPACE, AUDIO_SPACE = (
    SpaceSpec(roles=(role,)) for role in ("objects", "activity", "sound")
)
ACTIVITY_AUDIO_SPACE = SpaceSpec(roles=("activity", "sound"))
EMOTION_SPACE = SpaceSpec(roles=("sound", "faces", "affect"), allows_missing_roles=True)

WEIGHTED_ROW, OBJECT_ROW, BEST_ZERO_SHOT_ROW = "1.1 weighted", "1.2 object", "2.4 best + zero-shot"
OBJECT_ACTIVITY_ROW, JEMC_ROW, OBJECT_AUDIO_ROW = (
    "1.5 object + activity",
    "1.5 object + [activity, audio]",
    "1.5 object + audio",
)


def _make_object_space(**loss_options: object) -> tuple[SpaceSpec]:
    return (replace(OBJECT_SPACE, loss=LossSpec(**loss_options)),)  # type: ignore[arg-type]


def _set_text_tower(text_tower: TextTower, *spaces: SpaceSpec) -> tuple[SpaceSpec, ...]:
    return tuple(replace(space, text_tower=text_tower) for space in spaces)


TABLE_ROWS: tuple[TableRow, ...] = (
    # 1.1 the loss, on the object-text space
    TableRow(name="1.1 VSE", spaces=_make_object_space(name="vse"), against=(WEIGHTED_ROW,)),
    TableRow(name="1.1 VSE++", spaces=_make_object_space(name="vse++"), against=(WEIGHTED_ROW,)),
    TableRow(name=WEIGHTED_ROW, spaces=(OBJECT_SPACE,)),
    TableRow(
        name="1.1 weighted, strength 0.5", spaces=_make_object_space(strength=0.5), against=(WEIGHTED_ROW,)
    ),
    TableRow(
        name="1.1 weighted, strength 4", spaces=_make_object_space(strength=4.0), against=(WEIGHTED_ROW,)
    ),
    TableRow(name="1.1 weighted, linear", spaces=_make_object_space(shape="linear"), against=(WEIGHTED_ROW,)),
    TableRow(name="1.1 weighted, log", spaces=_make_object_space(shape="log"), against=(WEIGHTED_ROW,)),
    TableRow(name="1.1 semi-hard", spaces=_make_object_space(name="semi-hard"), against=(WEIGHTED_ROW,)),
    TableRow(name="1.1 InfoNCE", spaces=_make_object_space(name="infonce"), against=(WEIGHTED_ROW,)),
    # 1.2 one feature alone
    TableRow(name=OBJECT_ROW, spaces=(OBJECT_SPACE,)),
    TableRow(name="1.2 activity", spaces=(ACTIVITY_SPACE,), against=(OBJECT_ROW,)),
    TableRow(name="1.2 audio", spaces=(AUDIO_SPACE,), against=(OBJECT_ROW,)),
    # 1.3 direct concatenation
    TableRow(
        name="1.3 [object, activity]",
        spaces=(SpaceSpec(roles=("objects", "activity")),),
        against=(OBJECT_ROW,),
    ),
    TableRow(
        name="1.3 [object, activity, audio]",
        spaces=(SpaceSpec(roles=("objects", "activity", "sound")),),
        against=(OBJECT_ROW,),
    ),
    # 1.4 one shared space
    TableRow(
        name="1.4 shared: object, audio",
        spaces=(SpaceSpec(roles=("objects", "sound"), shared=True),),
        against=(OBJECT_ROW,),
    ),
    TableRow(
        name="1.4 shared: object, activity, audio",
        spaces=(SpaceSpec(roles=("objects", "activity", "sound"), shared=True),),
        against=(OBJECT_ROW,),
    ),
    # 1.5 fusion of spaces
    TableRow(name=OBJECT_AUDIO_ROW, spaces=(OBJECT_SPACE, AUDIO_SPACE), against=(OBJECT_ROW,)),
    TableRow(name=OBJECT_ACTIVITY_ROW, spaces=(OBJECT_SPACE, ACTIVITY_SPACE), against=(OBJECT_ROW,)),
    TableRow(
        name=JEMC_ROW, spaces=(OBJECT_SPACE, ACTIVITY_AUDIO_SPACE), against=(OBJECT_ACTIVITY_ROW, OBJECT_ROW)
    ),
    TableRow(name="1.5 object + emotion", spaces=(OBJECT_SPACE, EMOTION_SPACE), against=(OBJECT_ROW,)),
    TableRow(
        name=f"{JEMC_ROW} + emotion",
        spaces=(OBJECT_SPACE, ACTIVITY_AUDIO_SPACE, EMOTION_SPACE),
        against=(JEMC_ROW,),
    ),
    # 2 beyond the paper
    TableRow(
        name="2.1 object, sentence vectors",
        spaces=_set_text_tower("sentence", OBJECT_SPACE),
        against=(OBJECT_ROW,),
    ),
    TableRow(
        name="2.1 object + [activity, audio], sentence vectors",
        spaces=_set_text_tower("sentence", OBJECT_SPACE, ACTIVITY_AUDIO_SPACE),
        against=(JEMC_ROW,),
    ),
    TableRow(name="2.1 object, GRU", spaces=_set_text_tower("gru", OBJECT_SPACE), against=(OBJECT_ROW,)),
    TableRow(
        name="2.1 object + [activity, audio], GRU",
        spaces=_set_text_tower("gru", OBJECT_SPACE, ACTIVITY_AUDIO_SPACE),
        against=(JEMC_ROW,),
    ),
    TableRow(
        name="2.2 object, released schedule",
        spaces=(replace(OBJECT_SPACE, released=True),),
        against=(OBJECT_ROW,),
    ),
    TableRow(name="2.3 zero-shot", baseline="zero-shot", against=(OBJECT_ROW,)),
    TableRow(name="2.3 ridge: object", baseline="ridge", ridge_roles=("objects",), against=(OBJECT_ROW,)),
    TableRow(
        name="2.3 ridge: all",
        baseline="ridge",
        ridge_roles=ROLES,
        against=(JEMC_ROW, OBJECT_AUDIO_ROW, OBJECT_ROW),
    ),
    TableRow(name=BEST_ZERO_SHOT_ROW, baseline="best + zero-shot"),
)


@dataclass(frozen=True, kw_only=True)
class AblationPlan:
    """The rows that can be had, with their spaces as they can be had, and why the others can't."""

    rows: tuple[TableRow, ...]
    left_out: dict[str, str]

    @property
    def spaces(self) -> tuple[SpaceSpec, ...]:
        """What is to be trained, each once."""
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
) -> AblationPlan:
    """The rows whose names begin with a prefix (all without), and those they are compared with.

    present_roles: roles that say something in this data
    text_tower: the text tower that is set
    has_zero_shot: whether words can meet items without training

    Raises AffectError for a prefix that no row has, or if no row can be had.
    """
    check_row_prefixes(prefixes)
    had: dict[str, TableRow] = {}
    left_out: dict[str, str] = {}
    for row in TABLE_ROWS:
        if wanting := _explain_exclusion(row, present_roles, text_tower, has_zero_shot, had):
            left_out[row.name] = wanting
        else:
            had[row.name] = _resolve_row(row, present_roles, text_tower)
    for name, row in had.items():
        had[name] = replace(row, against=tuple(base for base in row.against if base in had)[:1])
    chosen = {name for name in had if not prefixes or name.startswith(tuple(prefixes))}
    while more := {base for name in chosen for base in had[name].against} - chosen:
        chosen |= more
    if not chosen:
        raise AffectError(f"no row can be had: {'; '.join(f'{n} {why}' for n, why in left_out.items())}")
    if not any(had[name].spaces for name in chosen) and BEST_ZERO_SHOT_ROW in chosen:
        raise AffectError(f"{BEST_ZERO_SHOT_ROW}: best of which rows? name some beside it")
    shown = {n: why for n, why in left_out.items() if not prefixes or n.startswith(tuple(prefixes))}
    return AblationPlan(rows=tuple(row for name, row in had.items() if name in chosen), left_out=shown)


def _resolve_row(row: TableRow, present_roles: Sequence[str], text_tower: TextTower) -> TableRow:
    spaces = tuple(found for space in row.spaces if (found := space.resolve(present_roles, text_tower)))
    ridge = tuple(role for role in row.ridge_roles if role in present_roles)
    return replace(row, spaces=tuple(dict.fromkeys(spaces)), ridge_roles=ridge)


def _explain_exclusion(
    row: TableRow,
    present_roles: Sequence[str],
    text_tower: TextTower,
    has_zero_shot: bool,
    included_rows: dict[str, TableRow],
) -> str:
    """Why a row can't be had, or would say what another says; empty if it can."""
    needed = dict.fromkeys(
        role for space in row.spaces for role in space.roles if not space.allows_missing_roles
    )
    lacking = [ROLE_LABELS[role] for role in needed if role not in present_roles]
    if lacking:
        return f"needs {' and '.join(lacking)}"
    if any(space.resolve(present_roles, text_tower) is None for space in row.spaces):
        return f"needs one of {', '.join(ROLE_LABELS[role] for role in EMOTION_SPACE.roles)}"
    if row.baseline in ("zero-shot", "best + zero-shot") and not has_zero_shot:
        return "needs the engine's own object expert and media"
    found = _resolve_row(row, present_roles, text_tower)
    if row.baseline == "ridge" and not found.ridge_roles:
        return f"needs {' or '.join(ROLE_LABELS[role] for role in row.ridge_roles)}"
    for other in included_rows.values():
        twins = (set(other.spaces), other.baseline, other.ridge_roles) == (
            set(found.spaces),
            row.baseline,
            found.ridge_roles,
        )
        if twins and (other.group == row.group or row.group == "2.1"):
            return f"is the same as {other.name} here"
    return ""
