import ast

import pytest
from repository import ROOT

MAY_IMPORT = {
    "encoders": set(),
    "spaces": {"encoders"},
    "fusion": set(),
    "losses": set(),
    "retrieval": {"encoders", "spaces", "fusion", "losses"},
    "experiments": {"encoders", "spaces", "fusion", "losses", "retrieval"},
}
NO_NAMES = {"utils", "helpers", "common", "misc"}


def imported(tree):
    """First names of all modules imported anywhere in a file, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield node.module.partition(".")[0]


def modules(room):
    return sorted((ROOT / room).rglob("*.py"))


def test_every_room_is_there():
    assert all((ROOT / room).is_dir() for room in MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_arrows(room):
    crossed = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in modules(room)
        for name in imported(ast.parse(file.read_text()))
        if name in MAY_IMPORT and name != room and name not in MAY_IMPORT[room]
    }
    assert not crossed


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_nothing_imports_tests(room):
    assert not [f for f in modules(room) if "tests" in set(imported(ast.parse(f.read_text())))]


def test_no_grab_bags():
    files = [file for room in [*MAY_IMPORT, "tests"] for file in modules(room)]
    assert not [file for file in files if {file.stem, *file.relative_to(ROOT).parts} & NO_NAMES]


def test_registered_targets_are_in_encoders():
    from encoders.registry import ENCODERS

    assert all(target.startswith("encoders.") for target in ENCODERS.values())
