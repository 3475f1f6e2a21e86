"""Configurations: which roles are filled, and which a library may get later."""

import json

from retrieval.features import PipelineConfig


def test_the_role_goes_with_the_default_encoder_of_activity():
    assert PipelineConfig()["pose"] == "blazepose"
    for other in ({"activity": "x3d-m"}, {"activity": ""}, {"objects": "resnet152"}):
        assert PipelineConfig(**other)["pose"] == ""
    assert PipelineConfig.parse("", "hub")["pose"] == ""
    assert PipelineConfig(activity="x3d-m", pose="blazepose")["pose"] == "blazepose"
    assert PipelineConfig.parse("activity=x3d-m")["pose"] == ""
    assert PipelineConfig.parse("pose=")["pose"] == ""


def test_replacing_an_encoder_changes_no_other_role():
    config = PipelineConfig(activity="toy-frames", pose="blazepose")
    assert config.replace(sound="")["pose"] == "blazepose"
    assert PipelineConfig().replace(objects="", activity="")["pose"] == "blazepose"


def test_roles_that_are_not_stored_stay_undecided_until_they_are_filled():
    stored = json.dumps(
        {role: name for role, name in PipelineConfig().items() if role not in ("pose", "events")}
    )
    config = PipelineConfig.from_json(stored)
    assert not config["pose"] and not config["events"] and json.loads(config.to_json()) == json.loads(stored)
    with_events = config.replace(events="yamnet")
    assert "pose" not in json.loads(with_events.to_json()) and "events" in json.loads(with_events.to_json())


def test_configurations_match_where_both_have_decided():
    whole = PipelineConfig()
    older = PipelineConfig.from_json(json.dumps({**whole, "pose": ""}))
    undecided = PipelineConfig.from_json(json.dumps({role: whole[role] for role in whole if role != "pose"}))
    assert undecided.matches(whole) and whole.matches(undecided) and undecided.matches(older)
    assert not older.matches(whole) and not undecided.matches(whole.replace(objects="toy-frames"))
