"""`python -m experiments.audit` as a user runs it."""

import json

import pytest
from click.testing import CliRunner

from experiments import audit
from experiments.simulations import registry
from experiments.simulations.check import SimulationCheck


def run(*arguments):
    return CliRunner().invoke(audit.main, arguments)


def make_checks(value):
    return lambda topic: (
        SimulationCheck(
            name=f"{topic}: a rate", expected=".4 to .6", low=0.4, high=0.6, trials=400,
            simulate=lambda trials, rng: (round(value * trials), trials),
        ),
    )  # fmt: skip


def test_met_checks_end_with_code_zero(monkeypatch):
    monkeypatch.setattr(registry, "TOPICS", {"toy": "toy"})
    monkeypatch.setattr(registry, "list_checks", make_checks(0.5))
    done = run()
    assert done.exit_code == 0
    assert "toy: a rate" in done.stdout and "1 of 1 checks met" in done.stdout


def test_a_missed_check_is_named_and_fails(monkeypatch):
    monkeypatch.setattr(registry, "TOPICS", {"toy": "toy"})
    monkeypatch.setattr(registry, "list_checks", make_checks(0.9))
    done = run("--json")
    assert done.exit_code == 1
    (check,) = json.loads(done.stdout)["checks"]
    assert check["observed"] == 0.9 and check["trials"] == 400 and not check["met"]


def test_an_unknown_topic_is_one_line():
    done = run("--topics", "astrology")
    assert done.exit_code == 2
    assert done.stderr.startswith("audit: no topic astrology; topics: ") and done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_check_is_met_at_a_small_size():
    done = run("--share", "0.1", "--json")
    report = json.loads(done.stdout)
    assert [check["check"] for check in report["checks"] if not check["met"]] == []
    assert done.exit_code == 0
