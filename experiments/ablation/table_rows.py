"""The rows of the table: JEMC's Table 1 (Mithun et al. 2018), then what the paper does not have.

A row is one or more trained spaces whose similarities are added up, or a baseline. Rows that share a space
share its training. To add a row, add a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from encoders.base import AffectError
from losses.ranking import Shape

Text = Literal["gru", "sentence"]
Baseline = Literal["zero-shot", "ridge", "best + zero-shot"]

SAID = {"objects": "object", "activity": "activity", "sound": "audio", "faces": "faces", "affect": "affect"}
"""What a role is called in the paper and in tables."""
ROLES = tuple(SAID)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A loss by its name in `losses.LOSSES`; `strength` and `shape` are those of "weighted"."""

    name: str = "weighted"
    strength: float = 1.0
    shape: Shape = "jemc"

    def __str__(self) -> str:
        paper = self.name != "weighted" or (self.strength, self.shape) == (1.0, "jemc")
        return self.name if paper else f"weighted {self.strength:g} {self.shape}"


@dataclass(frozen=True, kw_only=True)
class Space:
    """One space to train.

    roles:    what is projected into it, side by side
    some:     not all of the roles need be there
    shared:   each role has a projection of its own, drawn to the first (row 1.4)
    text:     the text tower; None is the one that is set
    released: by the schedule of the released code
    """

    roles: tuple[str, ...]
    some: bool = False
    shared: bool = False
    cost: Cost = Cost()
    text: Text | None = None
    released: bool = False

    def where(self, present: Iterable[str], text: Text) -> Space | None:
        """The space as it can be had from these roles; None if it can't."""
        there = tuple(role for role in self.roles if role in set(present))
        if not there or (not self.some and there != self.roles):
            return None
        return replace(self, roles=there, some=False, text=self.text or text)

    def __str__(self) -> str:
        told = ", ".join(SAID[role] for role in self.roles)
        told = f"shared({told})" if self.shared else f"[{told}]" if len(self.roles) > 1 else told
        about = ["" if self.cost == Cost() else str(self.cost), "" if self.text == "gru" else self.text or ""]
        about.append("released" if self.released else "")
        return ", ".join(filter(None, (told, *about)))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    name:    its group, then what it is
    spaces:  whose similarities are added up
    ridge:   the roles of the baseline "ridge"; those that are there are taken
    against: names of rows to compare with, of which the first that is here is taken
    """

    name: str
    spaces: tuple[Space, ...] = ()
    baseline: Baseline | None = None
    ridge: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """Its number, such as "1.1"."""
        return self.name.split()[0]


OBJECT, ACTIVITY, AUDIO = (Space(roles=(role,)) for role in ("objects", "activity", "sound"))
BOTH = Space(roles=("activity", "sound"))
EMOTION = Space(roles=("sound", "faces", "affect"), some=True)

BASE, SINGLE, BEST = "1.1 weighted", "1.2 object", "2.4 best + zero-shot"
TWO, JEMC, WITH_AUDIO = "1.5 object + activity", "1.5 object + [activity, audio]", "1.5 object + audio"


def _costing(**cost: object) -> tuple[Space]:
    return (replace(OBJECT, cost=Cost(**cost)),)  # type: ignore[arg-type]


def _reading(text: Text, *spaces: Space) -> tuple[Space, ...]:
    return tuple(replace(space, text=text) for space in spaces)


ROWS: tuple[Row, ...] = (
    # 1.1 the loss, on the object-text space
    Row(name="1.1 VSE", spaces=_costing(name="vse"), against=(BASE,)),
    Row(name="1.1 VSE++", spaces=_costing(name="vse++"), against=(BASE,)),
    Row(name=BASE, spaces=(OBJECT,)),
    Row(name="1.1 weighted, strength 0.5", spaces=_costing(strength=0.5), against=(BASE,)),
    Row(name="1.1 weighted, strength 4", spaces=_costing(strength=4.0), against=(BASE,)),
    Row(name="1.1 weighted, linear", spaces=_costing(shape="linear"), against=(BASE,)),
    Row(name="1.1 weighted, log", spaces=_costing(shape="log"), against=(BASE,)),
    Row(name="1.1 semi-hard", spaces=_costing(name="semi-hard"), against=(BASE,)),
    Row(name="1.1 InfoNCE", spaces=_costing(name="infonce"), against=(BASE,)),
    # 1.2 one feature alone
    Row(name=SINGLE, spaces=(OBJECT,)),
    Row(name="1.2 activity", spaces=(ACTIVITY,), against=(SINGLE,)),
    Row(name="1.2 audio", spaces=(AUDIO,), against=(SINGLE,)),
    # 1.3 direct concatenation
    Row(name="1.3 [object, activity]", spaces=(Space(roles=("objects", "activity")),), against=(SINGLE,)),
    Row(
        name="1.3 [object, activity, audio]",
        spaces=(Space(roles=("objects", "activity", "sound")),),
        against=(SINGLE,),
    ),
    # 1.4 one shared space
    Row(
        name="1.4 shared: object, audio",
        spaces=(Space(roles=("objects", "sound"), shared=True),),
        against=(SINGLE,),
    ),
    Row(
        name="1.4 shared: object, activity, audio",
        spaces=(Space(roles=("objects", "activity", "sound"), shared=True),),
        against=(SINGLE,),
    ),
    # 1.5 fusion of spaces
    Row(name=WITH_AUDIO, spaces=(OBJECT, AUDIO), against=(SINGLE,)),
    Row(name=TWO, spaces=(OBJECT, ACTIVITY), against=(SINGLE,)),
    Row(name=JEMC, spaces=(OBJECT, BOTH), against=(TWO, SINGLE)),
    Row(name="1.5 object + emotion", spaces=(OBJECT, EMOTION), against=(SINGLE,)),
    Row(name=f"{JEMC} + emotion", spaces=(OBJECT, BOTH, EMOTION), against=(JEMC,)),
    # 2 beyond the paper
    Row(name="2.1 object, sentence vectors", spaces=_reading("sentence", OBJECT), against=(SINGLE,)),
    Row(
        name="2.1 object + [activity, audio], sentence vectors",
        spaces=_reading("sentence", OBJECT, BOTH),
        against=(JEMC,),
    ),
    Row(name="2.1 object, GRU", spaces=_reading("gru", OBJECT), against=(SINGLE,)),
    Row(
        name="2.1 object + [activity, audio], GRU",
        spaces=_reading("gru", OBJECT, BOTH),
        against=(JEMC,),
    ),
    Row(name="2.2 object, released schedule", spaces=(replace(OBJECT, released=True),), against=(SINGLE,)),
    Row(name="2.3 zero-shot", baseline="zero-shot", against=(SINGLE,)),
    Row(name="2.3 ridge: object", baseline="ridge", ridge=("objects",), against=(SINGLE,)),
    Row(name="2.3 ridge: all", baseline="ridge", ridge=ROLES, against=(JEMC, WITH_AUDIO, SINGLE)),
    Row(name=BEST, baseline="best + zero-shot"),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The rows that can be had, with their spaces as they can be had, and why the others can't."""

    rows: tuple[Row, ...]
    left_out: dict[str, str]

    @property
    def spaces(self) -> tuple[Space, ...]:
        """What is to be trained, each once."""
        return tuple(dict.fromkeys(space for row in self.rows for space in row.spaces))


def check_known(prefixes: Sequence[str]) -> None:
    """Raises AffectError for a prefix that no row's name has."""
    for prefix in prefixes:
        if not any(row.name.startswith(prefix) for row in ROWS):
            groups = ", ".join(dict.fromkeys(row.group for row in ROWS))
            raise AffectError(f"no row {prefix!r}; groups: {groups}")


def planned(
    present: Sequence[str], text: Text, *, prefixes: Sequence[str] = (), zero_shot: bool = True
) -> Plan:
    """The rows whose names begin with a prefix (all without), and those they are compared with.

    present:   roles that say something in this data
    text:      the text tower that is set
    zero_shot: whether words can meet items without training

    Raises AffectError for a prefix that no row has, or if no row can be had.
    """
    check_known(prefixes)
    had: dict[str, Row] = {}
    left_out: dict[str, str] = {}
    for row in ROWS:
        if wanting := _wanting(row, present, text, zero_shot, had):
            left_out[row.name] = wanting
        else:
            had[row.name] = _where(row, present, text)
    for name, row in had.items():
        had[name] = replace(row, against=tuple(base for base in row.against if base in had)[:1])
    chosen = {name for name in had if not prefixes or name.startswith(tuple(prefixes))}
    while more := {base for name in chosen for base in had[name].against} - chosen:
        chosen |= more
    if not chosen:
        raise AffectError(f"no row can be had: {'; '.join(f'{n} {why}' for n, why in left_out.items())}")
    if not any(had[name].spaces for name in chosen) and BEST in chosen:
        raise AffectError(f"{BEST}: best of which rows? name some beside it")
    shown = {n: why for n, why in left_out.items() if not prefixes or n.startswith(tuple(prefixes))}
    return Plan(rows=tuple(row for name, row in had.items() if name in chosen), left_out=shown)


def _where(row: Row, present: Sequence[str], text: Text) -> Row:
    spaces = tuple(found for space in row.spaces if (found := space.where(present, text)))
    ridge = tuple(role for role in row.ridge if role in present)
    return replace(row, spaces=tuple(dict.fromkeys(spaces)), ridge=ridge)


def _wanting(row: Row, present: Sequence[str], text: Text, zero_shot: bool, had: dict[str, Row]) -> str:
    """Why a row can't be had, or would say what another says; empty if it can."""
    needed = dict.fromkeys(role for space in row.spaces for role in space.roles if not space.some)
    lacking = [SAID[role] for role in needed if role not in present]
    if lacking:
        return f"needs {' and '.join(lacking)}"
    if any(space.where(present, text) is None for space in row.spaces):
        return f"needs one of {', '.join(SAID[role] for role in EMOTION.roles)}"
    if row.baseline in ("zero-shot", "best + zero-shot") and not zero_shot:
        return "needs the engine's own object expert and media"
    found = _where(row, present, text)
    if row.baseline == "ridge" and not found.ridge:
        return f"needs {' or '.join(SAID[role] for role in row.ridge)}"
    for other in had.values():
        twins = (set(other.spaces), other.baseline, other.ridge) == (
            set(found.spaces),
            row.baseline,
            found.ridge,
        )
        if twins and (other.group == row.group or row.group == "2.1"):
            return f"is the same as {other.name} here"
    return ""
