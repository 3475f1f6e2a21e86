"""The rows of the table, and which of them a data set allows."""

import pytest

from encoders.base import AffectError
from experiments.ablation.row_plan import plan_rows
from experiments.ablation.space_spec import ROLES, LossSpec, make_audio_role
from experiments.ablation.table_rows import (
    ACTIVITY_AUDIO_SPACE,
    EMOTION_SPACE,
    TABLE_ROWS,
    list_table_rows,
    make_audio_rows,
)
from losses import LOSSES


def test_the_table_is_consistent():
    names = [row.name for row in TABLE_ROWS]
    assert len(set(names)) == len(names)
    for row in TABLE_ROWS:
        assert bool(row.spaces) != bool(row.baseline)
        assert set(row.against) <= set(names)
        assert {space.loss.name for space in row.spaces} <= set(LOSSES)
        assert {role for space in row.spaces for role in space.roles} <= set(ROLES)
    assert {row.group for row in TABLE_ROWS} >= {"1.1", "1.2", "1.3", "1.4", "1.5"}


def test_all_roles_allow_all_rows():
    plan = plan_rows(ROLES, "gru")
    assert set(plan.left_out) == {"2.1 object, GRU", "2.1 object + [activity, audio], GRU"}
    assert plan_rows(ROLES, "sentence").left_out.keys() == {
        name.replace("GRU", "sentence vectors") for name in plan.left_out
    }


def test_shared_spaces_are_trained_once():
    plan = plan_rows(ROLES, "gru", prefixes=["1.1 weighted", "1.2", "1.5"])
    assert len(plan.spaces) == len(set(plan.spaces))
    assert sum(space.roles == ("objects",) and space.loss == LossSpec() for space in plan.spaces) == 1


def test_rows_without_their_roles_are_left_out():
    plan = plan_rows(("objects", "sound"), "gru")
    assert plan.left_out["1.2 activity"] == "needs activity"
    assert plan.left_out["1.5 object + emotion"] == "is the same as 1.5 object + audio here"
    assert "1.4 shared: object, audio" in {row.name for row in plan.rows}
    silent = plan_rows(("objects",), "gru", has_zero_shot=False)
    assert silent.left_out["1.5 object + emotion"].startswith("needs one of")
    assert silent.left_out["2.3 zero-shot"].startswith("needs the engine's")


def test_reference_rows_are_planned_too():
    rows = {row.name: row for row in plan_rows(ROLES, "gru", prefixes=["1.5 object + [a"]).rows}
    assert {"1.2 object", "1.5 object + activity", "1.5 object + [activity, audio]"} <= set(rows)
    assert all(base in rows for row in rows.values() for base in row.against)


def test_unknown_rows():
    with pytest.raises(AffectError, match=r"no row '9'; groups: 1\.1, 1\.2"):
        plan_rows(ROLES, "gru", prefixes=["9"])


def test_best_row_needs_other_rows():
    with pytest.raises(AffectError, match="best of which rows"):
        plan_rows(ROLES, "gru", prefixes=["2.4"])


def test_spaces_resolve_to_present_roles():
    assert EMOTION_SPACE.resolve(("objects", "faces"), "gru").roles == ("faces",)
    assert ACTIVITY_AUDIO_SPACE.resolve(("sound",), "gru") is None
    assert str(ACTIVITY_AUDIO_SPACE.resolve(ROLES, "sentence")) == "[activity, audio], sentence"


def test_a_further_audio_expert_has_rows_beside_the_data_s_own():
    roles = [*ROLES, make_audio_role("soundnet")]
    rows = {
        row.name: row for row in plan_rows(roles, "gru", prefixes=["2.3"], audio_encoders=["soundnet"]).rows
    }
    against = {name: row.against for name, row in rows.items() if "soundnet" in name}
    assert against == {
        "1.2 audio by soundnet": ("1.2 audio",),
        "1.5 object + audio by soundnet": ("1.5 object + audio",),
        "1.5 object + [activity, audio by soundnet]": ("1.5 object + [activity, audio]",),
    }
    assert {"1.2 audio", "1.5 object + audio", "1.5 object + [activity, audio]"} <= rows.keys()
    assert make_audio_role("soundnet") not in rows["2.3 ridge: all"].ridge_roles
    names = [row.name for row in list_table_rows(make_audio_rows(["soundnet"]))]
    assert (
        names.index("1.2 audio")
        < names.index("1.2 audio by soundnet")
        < names.index("1.3 [object, activity]")
    )
    assert plan_rows(ROLES, "gru", prefixes=["1.2"], audio_encoders=["x"]).left_out["1.2 audio by x"] == (
        "needs audio by x"
    )
