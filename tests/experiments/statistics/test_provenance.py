"""What results say of the code that computed them."""

import shlex
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from experiments.statistics import provenance
from experiments.statistics.provenance import RecordedCommand, describe_provenance, find_commit


def run_git(folder, *arguments):
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    file = tmp_path / "code.py"
    file.write_text("first")
    run_git(tmp_path, "init")
    run_git(tmp_path, "add", "code.py")
    run_git(tmp_path, "commit", "-m", "first")
    return file


def test_commit_and_changes_of_a_checkout(checkout):
    commit = run_git(checkout.parent, "rev-parse", "HEAD")
    assert find_commit(checkout) == (commit, False)
    (checkout.parent / "results.json").touch()  # untracked files are no change of the code
    assert find_commit(checkout) == (commit, False)
    checkout.write_text("second")
    assert find_commit(checkout) == (commit, True)


def test_a_package_inside_another_checkout_has_no_commit(checkout):
    installed = checkout.parent / "site-packages" / "module.py"
    installed.parent.mkdir()
    installed.touch()
    assert find_commit(installed) == (None, None)


def test_without_git(checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout.parent))
    assert find_commit(checkout) == (None, None)


def test_provenance_names_versions_and_the_command(monkeypatch):
    monkeypatch.setattr(provenance, "find_commit", lambda file: ("abc", True))
    described = describe_provenance("experiments.ablate", ["--data", "my set.csv"])
    assert shlex.split(described["command"])[-2:] == ["--data", "my set.csv"]
    assert (described["commit"], described["modified"]) == ("abc", True)
    assert described["version"].count(".") == 2
    packages = described["machine"]["packages"]
    assert {"numpy", "scipy", "torch", "onnxruntime", "av", "transformers", "scikit-learn"} <= set(packages)


def test_a_command_keeps_its_arguments():
    kept = []

    @click.command(cls=RecordedCommand)
    @click.option("--out", type=Path)
    @click.pass_context
    def main(ctx, out):
        kept.append(ctx.meta[provenance.ARGUMENTS_KEY])

    CliRunner().invoke(main, ["--out", "a b"], catch_exceptions=False)
    assert kept == [("--out", "a b")]
