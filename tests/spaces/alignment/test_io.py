import json
from functools import partial

import numpy as np
import pytest
from point_clouds import bent

from encoders.base import AffectError
from losses.affect import mapping_loss
from spaces.alignment import (
    load_map,
    make_closed_form_methods,
    make_learned_methods,
    save_map,
)
from spaces.alignment.steps import AffineMap

LOSS = partial(mapping_loss, reduction="mean")
CLOSED = make_closed_form_methods()
METHODS = {**CLOSED, **make_learned_methods(LOSS)}


@pytest.mark.parametrize("name", METHODS)
def test_kept_on_disk(name, tmp_path):
    x, y = bent(50)
    found = METHODS[name].fit(x, y)
    save_map(tmp_path / "map.safetensors", found, {"version": 3})
    again, about = load_map(tmp_path / "map.safetensors")
    assert about == {"version": 3} and again.name == name and again.notes == found.notes
    assert np.array_equal(again.transform(x), found.transform(x))
    assert np.array_equal(again.project_source(x), found.project_source(x))
    assert np.array_equal(again.project_target(y), found.project_target(y))
    assert (again.backward is None) == (found.backward is None)


def test_files_that_are_no_maps(tmp_path):
    file = tmp_path / "map.safetensors"
    for content in (b"", b"\x80\x04.", b"12345678{}"):
        file.write_bytes(content)
        with pytest.raises(AffectError, match="no map can be read"):
            load_map(file)
    with pytest.raises(AffectError, match="no map can be read"):
        load_map(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="not finite"):
        save_map(file, METHODS["identity"].fit(*bent(9)).__class__(
            name="x", forward=AffineMap(weight=np.array([[np.nan]]), bias=np.zeros(1))
        ))  # fmt: skip


def test_the_header_can_be_read_by_anyone(tmp_path):
    file = tmp_path / "map.safetensors"
    save_map(file, METHODS["procrustes"].fit(*bent(40)))
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    notes = json.loads(header["__metadata__"]["map"])
    assert notes["steps"]["across"] == ["affine"] and notes["notes"].keys() >= {"reflection", "scale"}
