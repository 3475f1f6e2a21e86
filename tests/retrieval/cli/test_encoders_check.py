"""`affect encoders --check`, and `affect index --preset` where weights are missing."""

import json
import shlex

import pytest
from command_output import bad
from library_factory import affect, gallery

from encoders import ENCODERS
from encoders.registry import Registry
from retrieval.features import PRESETS, ROLES, PipelineConfig

HUB = ("clip-vit-base-patch32", "clap-htsat-unfused")


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """No weights in any cache; the folder where the user would put them."""
    monkeypatch.setenv("AFFECT_MODELS", str(tmp_path / "my models"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    registry = Registry("encoder", dict(ENCODERS))  # that has made none yet
    for module in ("features.presets", "report.encoder_report"):
        monkeypatch.setattr(f"retrieval.{module}.ENCODERS", registry)
    return tmp_path / "my models"


def check(*words):
    """What it prints; its log goes to standard error."""
    done = affect("encoders", "--check", *words)
    assert done.returncode == 0, done
    return done.stdout


def test_what_is_missing_comes_with_the_command_to_get_it(bare_machine):
    told = json.loads(check("--json"))
    encoders = {row["name"]: row for row in told["encoders"]}
    assert set(encoders) == set(ENCODERS)
    for name, row in encoders.items():
        assert (row["state"] == "ready") == (row["missing"] == "") and row["detail"], name
    clip = encoders["clip-vit-base-patch32"]
    words = shlex.split(clip["command"])
    assert clip["missing"] == "weights" and words[:3] == ["hf", "download", "openai/clip-vit-base-patch32"]
    assert words[-1] == str(bare_machine / "clip-vit-base-patch32")
    assert shlex.split(encoders["resnet152"]["command"])[-2] == str(bare_machine / "resnet152.pth")
    assert encoders["minilm"]["state"] == "ready"
    presets = {row["name"]: row for row in told["presets"]}
    assert presets["packaged"]["state"] == "ready" and presets["packaged"]["missing"] == []
    assert presets["hub"]["state"] == "missing" and presets["hub"]["missing"] == list(HUB)
    printed = check().splitlines()
    assert f"clip-vit-base-patch32: {clip['command']}" in printed
    assert f"preset hub: missing {', '.join(HUB)}" in printed and "preset packaged: ready" in printed


def test_a_folder_without_a_configuration_is_no_model(bare_machine):
    folder = bare_machine / "clip-vit-base-patch32"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"cut short")
    told = json.loads(check("--json"))
    assert next(row for row in told["encoders"] if row["name"] == folder.name)["state"] == "missing"


def test_a_preset_names_all_that_is_missing_before_a_library_is_made(bare_machine, tmp_path):
    media, library = gallery(tmp_path / "media", photos=1), tmp_path / "library"
    error = bad("index", media, "-l", library, "--preset", "hub")
    assert all(name in error for name in HUB) and "affect encoders --check" in error
    error = bad("index", media, "-l", library, "--preset", "hub", "--encoders", "sound=logmel")
    assert HUB[0] in error and HUB[1] not in error
    assert "is not one of 'packaged', 'hub'" in bad("index", media, "-l", library, "--preset", "hubb")
    assert not library.exists()


def test_encoders_that_are_named_win_over_the_preset():
    config = PipelineConfig.parse("sound=toy-sound,activity=", "hub")
    assert (config["objects"], config["sound"], config["activity"]) == (HUB[0], "toy-sound", "")
    assert PipelineConfig.parse("", "hub") == PipelineConfig.default(objects=HUB[0], sound=HUB[1])


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_presets_name_roles_and_encoders_there_are(preset):
    assert set(preset.encoder_by_role) <= set(ROLES) and set(preset.encoder_by_role.values()) <= set(ENCODERS)
    assert preset.description and preset.costs
