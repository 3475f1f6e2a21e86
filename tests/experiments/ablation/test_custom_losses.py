"""A user's own loss."""

import json
import sys
from dataclasses import replace

import pytest
import torch
from ablation_factory import SMALL, TRIAL, make_data
from torch import nn

from encoders.base import AffectError
from experiments.ablation.custom_losses import check_custom_loss, get_loss_entry, make_custom_loss
from experiments.ablation.row_plan import plan_rows
from experiments.ablation.runner import run_trials
from experiments.ablation.space_spec import LossSpec
from experiments.ablation.table_rows import WEIGHTED_ROW
from experiments.ablation.trials import compute_trial_key, is_finished, load_history
from losses import InfoNCE, vse

MODULE = """
import torch
from torch import nn

def hinge(similarity, same_item=None, pairs=None):
    return (0.2 + similarity - similarity.diagonal()[:, None]).clamp(min=0).sum()

class Scaled(nn.Module):
    def __init__(self, margin=0.1):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, similarity, same_item=None, pairs=None):
        logits = similarity * self.log_scale.exp()
        return nn.functional.cross_entropy(logits, torch.arange(len(logits)))

def make(margin=0.3):
    return lambda similarity, mask: (margin - similarity.diagonal()).clamp(min=0).sum()

def alone(similarity):
    return similarity.sum()

def words(similarity, same_item): return "a"
def table(similarity, same_item): return similarity
def nothing(similarity, same_item): return similarity.sum() / 0
def constant(similarity, same_item): return torch.zeros(())
def broken(similarity, same_item): raise KeyError("margin")
def needs(similarity, same_item, third, fourth): return similarity.sum()
number = 3
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """my_losses.py in the working directory."""
    (tmp_path / "my_losses.py").write_text(MODULE)
    (tmp_path / "my_broken.py").write_text("import no_such_module\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path / "my_losses.py"
    for name in ("my_losses", "my_broken"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["hinge", "Scaled", "make"])
def test_functions_classes_and_factories(name):
    check_custom_loss(f"my_losses:{name}")
    loss = get_loss_entry(f"my_losses:{name}").make_from_settings({})
    assert bool(list(loss.parameters())) == (name == "Scaled")


def test_losses_of_this_repository_can_be_named():
    similarity = torch.rand(4, 4)
    for name, expected in (("losses:vse", vse()), ("losses:InfoNCE", InfoNCE())):
        assert make_custom_loss(name)(similarity) == expected(similarity)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hinge", "write it as module:function"),
        ("my_losses:", "module:function"),
        ("no_such_losses:f", "no module no_such_losses; write no_such_losses.py"),
        ("my_broken:f", "ModuleNotFoundError: No module named 'no_such_module'.*importing my_broken"),
        ("my_losses:absent", "no absent in .*my_losses.py"),
        ("my_losses:number", "not a function"),
        ("my_losses:alone", "TypeError: alone"),
        ("my_losses:needs", "TypeError: needs"),
        ("my_losses:words", "returned str, not a tensor"),
        ("my_losses:table", r"returned Tensor\(5, 5\), not a tensor with one number"),
        ("my_losses:nothing", "returned inf"),
        ("my_losses:constant", "does not depend on the similarities"),
        ("my_losses:broken", "KeyError: 'margin', my_losses.py line"),
    ],
)
def test_faults_are_one_line(name, message):
    with pytest.raises(AffectError, match=message) as told:
        check_custom_loss(name)
    assert "\n" not in str(told.value)


def make_trial(name):
    return replace(TRIAL, space=replace(TRIAL.space, loss=LossSpec(name=f"my_losses:{name}")))


def test_it_is_trained_and_its_parameters_too(tmp_path):
    data = make_data()
    trials = [make_trial(name) for name in ("hinge", "Scaled")]
    folders = run_trials(trials, data, SMALL, tmp_path, jobs=1, quiet=True)
    assert all(is_finished(folder) and len(load_history(folder).epochs) == 3 for folder in folders.values())


def test_a_changed_loss_is_trained_anew(module):
    data = make_data()

    def make_key():
        return compute_trial_key(make_trial("hinge").to_json(data, SMALL))

    before = make_key()
    assert make_key() == before
    module.write_text(MODULE.replace("0.2", "0.4"))
    assert make_key() != before


def test_the_rows():
    plan = plan_rows(("objects",), "gru", prefixes=["2.3 ridge"], custom_losses=["my_losses:hinge"])
    names = [row.name for row in plan.rows]
    assert "1.1 my_losses:hinge" in names and WEIGHTED_ROW in names
    row = next(row for row in plan.rows if row.name == "1.1 my_losses:hinge")
    assert row.against == (WEIGHTED_ROW,) and row.group == "1.1"


def test_wrapped_modules_keep_their_parameters_named():
    loss = make_custom_loss("my_losses:Scaled")
    assert isinstance(loss, nn.Module) and json.dumps(list(loss.state_dict())) == '["loss.log_scale"]'
