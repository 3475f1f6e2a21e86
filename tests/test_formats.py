from pathlib import Path

import pytest

from encoders.media.sniffing import name_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/notes.TXT", "txt"),
        ("backup.tar.gz", "gz"),
        ("README", "no ending"),
        ("a.dir/README", "no ending"),
        (".profile", "no ending"),
        ("Mr. Smith", "no ending"),
        ("caf\udce9.\udce9", "no ending"),
        ("x.\x1b[2J", "no ending"),
        ("a.averylongending", "no ending"),
        ("end.", "no ending"),
    ],
)
def test_kinds_of_skipped_files_are_named_by_their_endings(name, kind):
    assert name_kind(Path(name)) == kind
