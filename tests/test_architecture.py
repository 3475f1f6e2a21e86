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
# the rooms inside `retrieval`, from the lowest up: each may import those before it that it names
ROOMS_OF_RETRIEVAL = {
    "progress_reporter": set(),
    "provenance": set(),
    "vector_index": set(),
    "samples": set(),
    "evaluation": {"vector_index"},
    "features": set(),
    "storage": {"features", "vector_index"},
    "previews": {"storage"},
    "indexing": {"features", "previews", "storage"},
    "affect": {"features"},
    "search": {"features", "storage", "vector_index"},
    "cluster": {"features", "indexing", "previews", "search", "storage"},
    "library_location": {"cluster", "storage"},
    "library_kinds": {"cluster", "features", "library_location", "previews", "search", "storage"},
    "training": {"evaluation", "features", "provenance", "search", "storage"},
    "report": {"features", "indexing", "previews", "progress_reporter", "search", "storage", "training"},
    "web": {
        "cluster",
        "features",
        "indexing",
        "library_kinds",
        "library_location",
        "previews",
        "report",
        "samples",
        "search",
        "storage",
        "training",
    },
    "cli": {
        "affect",
        "cluster",
        "features",
        "indexing",
        "library_kinds",
        "library_location",
        "previews",
        "progress_reporter",
        "provenance",
        "report",
        "samples",
        "search",
        "storage",
        "training",
        "vector_index",
        "web",
    },
    "__main__": {"cli"},
    "__init__": {"features", "indexing", "search", "storage"},
}
ENTRY_POINTS = {"retrieval.cli.main", "encoders.process_setup", "retrieval.progress_reporter"}
NO_NAMES = {"utils", "helpers", "common", "misc"}


def imported(tree):
    """Dotted names of all that is imported anywhere in a file, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_packages(file):
    """First names of what a file imports."""
    return {name.partition(".")[0] for name in imported(ast.parse(file.read_text()))}


def imported_rooms(file):
    """Rooms of `retrieval` that a file imports."""
    names = (name.split(".") for name in imported(ast.parse(file.read_text())))
    return {parts[1] for parts in names if parts[0] == "retrieval" and len(parts) > 1}


def modules(room):
    return sorted((ROOT / room).rglob("*.py"))


def test_every_room_is_there():
    assert all((ROOT / room).is_dir() for room in MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_arrows(room):
    crossed = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in modules(room)
        for name in imported_packages(file)
        if name in MAY_IMPORT and name != room and name not in MAY_IMPORT[room]
    }
    assert not crossed


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_nothing_imports_tests(room):
    assert not [f for f in modules(room) if "tests" in imported_packages(f)]


def test_no_grab_bags():
    files = [file for room in [*MAY_IMPORT, "tests"] for file in modules(room)]
    assert not [file for file in files if {file.stem, *file.relative_to(ROOT).parts} & NO_NAMES]


def test_registered_targets_are_in_encoders():
    from encoders.registry import ENCODERS

    assert all(target.startswith("encoders.") for target in ENCODERS.values())


def test_arrows_between_the_rooms_of_retrieval():
    allowed, crossed = ROOMS_OF_RETRIEVAL, set()
    for file in modules("retrieval"):
        room = file.relative_to(ROOT / "retrieval").parts[0].removesuffix(".py")
        crossed |= {
            f"{file.relative_to(ROOT)} imports {name}"
            for name in imported_rooms(file)
            if name != room and name not in allowed[room]
        }
    assert not crossed


def test_the_rooms_of_retrieval_have_no_circles():
    rooms = list(ROOMS_OF_RETRIEVAL)
    for number, room in enumerate(rooms):
        assert ROOMS_OF_RETRIEVAL[room] <= set(rooms[:number]), room


def test_rooms_are_imported_from_by_their_public_names():
    """Other rooms import from a package's `__init__`, not from the modules inside it."""
    deep = set()
    for package in ("encoders", "spaces", "fusion", "losses", "retrieval"):
        for file in modules(package):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom) and is_inside_another_room(file, node.module):
                    deep.add(f"{file.relative_to(ROOT)} imports from {node.module}")
    assert not deep


def is_inside_another_room(file, name):
    """Whether a dotted name is a module inside a room that the file does not belong to."""
    parts, own = name.split("."), file.relative_to(ROOT).parts
    if parts[0] not in MAY_IMPORT or not (ROOT / f"{'/'.join(parts)}.py").exists():
        return False
    depth = 2 if parts[0] == own[0] == "retrieval" and len(parts) > 2 else 1
    return tuple(parts[:depth]) != own[:depth] and name not in ENTRY_POINTS
