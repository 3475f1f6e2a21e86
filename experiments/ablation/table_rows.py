"""The rows of the table: those of JEMC's Table 1 (Mithun et al. 2018), then rows beyond the paper.

A row is one or more trained spaces whose similarities are added up, or a baseline. Rows that share a space
share its training. To add a row, add a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from experiments.ablation.space_spec import (
    LossSpec,
    SpaceSpec,
    TextTower,
    label_role,
    make_audio_role,
)

Baseline = Literal["zero-shot", "ridge", "best + zero-shot"]


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """A row of the table.

    name:    the number of its group, then its label
    spaces:  spaces whose similarities are added up
    ridge_roles: roles of the baseline "ridge", of which those that the data has are used
    against: names of rows to compare with, of which the first that is planned is used
    """

    name: str
    spaces: tuple[SpaceSpec, ...] = ()
    baseline: Baseline | None = None
    ridge_roles: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The number of the group, such as "1.1"."""
        return self.name.split()[0]


OBJECT_SPACE, ACTIVITY_SPACE, AUDIO_SPACE, POSE_SPACE = (
    SpaceSpec(roles=(role,)) for role in ("objects", "activity", "sound", "pose")
)
ACTIVITY_AUDIO_SPACE = SpaceSpec(roles=("activity", "sound"))
EMOTION_SPACE = SpaceSpec(roles=("sound", "faces", "affect"), allows_missing_roles=True)

AUDIO_ROW, ACTIVITY_ROW = "1.2 audio", "1.2 activity"
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
    TableRow(name=ACTIVITY_ROW, spaces=(ACTIVITY_SPACE,), against=(OBJECT_ROW,)),
    TableRow(name=AUDIO_ROW, spaces=(AUDIO_SPACE,), against=(OBJECT_ROW,)),
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
        ridge_roles=("objects", "activity", "sound", "faces", "affect"),
        against=(JEMC_ROW, OBJECT_AUDIO_ROW, OBJECT_ROW),
    ),
    TableRow(name=BEST_ZERO_SHOT_ROW, baseline="best + zero-shot"),
    TableRow(name="2.5 pose alone", spaces=(POSE_SPACE,), against=(ACTIVITY_ROW,)),
    TableRow(
        name="2.5 object + [activity, pose]",
        spaces=(OBJECT_SPACE, SpaceSpec(roles=("activity", "pose"))),
        against=(OBJECT_ACTIVITY_ROW,),
    ),
)


def make_loss_rows(custom_losses: Sequence[str]) -> list[TableRow]:
    """A row for each of a user's own losses, named as module:function."""
    return [
        TableRow(name=f"1.1 {name}", spaces=_make_object_space(name=name), against=(WEIGHTED_ROW,))
        for name in dict.fromkeys(custom_losses)
    ]


def make_audio_rows(audio_encoders: Sequence[str]) -> list[TableRow]:
    """Rows of each further audio expert in place of the data's own, with which they are compared."""
    rows = []
    for role in map(make_audio_role, dict.fromkeys(audio_encoders)):
        alone, with_activity = SpaceSpec(roles=(role,)), SpaceSpec(roles=("activity", role))
        label = label_role(role)
        rows += [
            TableRow(name=f"1.2 {label}", spaces=(alone,), against=(AUDIO_ROW,)),
            TableRow(name=f"1.5 object + {label}", spaces=(OBJECT_SPACE, alone), against=(OBJECT_AUDIO_ROW,)),
            TableRow(
                name=f"1.5 object + [activity, {label}]",
                spaces=(OBJECT_SPACE, with_activity),
                against=(JEMC_ROW,),
            ),
        ]
    return rows


def list_table_rows(extra_rows: Sequence[TableRow] = ()) -> tuple[TableRow, ...]:
    """TABLE_ROWS with each of the extra rows after the last of its group."""
    rows = list(TABLE_ROWS)
    for extra in extra_rows:
        last = max(index for index, row in enumerate(rows) if row.group == extra.group)
        rows.insert(last + 1, extra)
    return tuple(rows)
