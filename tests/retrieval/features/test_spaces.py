"""Contract of every space of the table, and one more space and one more role, which are a row each."""

import json

import numpy as np
import pytest
from command_process import command_process
from library_factory import ENCODERS, TOYS, gallery

from encoders import is_missing_row
from retrieval.features import SPACE_SPECS, FeaturePipeline, PipelineConfig
from retrieval.features.roles import ROLES

PIPELINES = {
    "toys": lambda: FeaturePipeline(TOYS, use_packaged=False),
    "packaged": lambda: FeaturePipeline(PipelineConfig(tone="", faces="")),
}


@pytest.fixture(scope="module", params=sorted(PIPELINES))
def pipeline(request):
    return PIPELINES[request.param]()


def make_features(pipeline, count):
    """Random raw rows (count, d) of all media roles, the last of them missing, and of texts."""
    rng = np.random.default_rng(0)
    rows = {
        role: rng.random((count, pipeline.get_encoder(role).card.dim), np.float32)
        for role in pipeline.media_roles
    }
    for role in rows:
        rows[role][-1] = np.nan
    return rows


def test_names_and_roles_fit_together():
    for name, spec in SPACE_SPECS.items():
        assert name == spec.name and ROLES[spec.role].modality == spec.query_modality != "text"


@pytest.mark.parametrize("name", SPACE_SPECS)
def test_rows_are_of_unit_length_or_missing(pipeline, name):
    space = next(space for space in pipeline.spaces if space.name == name)
    for rows in space.project(make_features(pipeline, 5)).values():
        assert rows.dtype == np.float32 and len(rows) == 5
        present = ~is_missing_row(rows)
        assert not present[-1] and np.allclose(np.linalg.norm(rows[present], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", SPACE_SPECS)
def test_a_row_depends_on_its_own_item_alone(pipeline, name):
    space = next(space for space in pipeline.spaces if space.name == name)
    features = make_features(pipeline, 5)
    before = {role: rows.copy() for role, rows in features.items()}
    whole = space.project(features)
    alone = space.project({role: rows[1:2] for role, rows in features.items()})
    assert whole.keys() == alone.keys()
    for view, rows in alone.items():
        assert np.allclose(rows[0], whole[view][1], atol=1e-5, equal_nan=True)
    assert all(np.array_equal(before[role], features[role], equal_nan=True) for role in before)


def test_a_space_without_its_encoder_has_no_views():
    nobody = FeaturePipeline(PipelineConfig(**dict.fromkeys(ROLES, "")))
    assert [space.project({}) for space in nobody.spaces] == [{}] * len(SPACE_SPECS)


ANOTHER = """
from retrieval.features import roles, spaces
from retrieval.features.roles import Role
from spaces import IdentitySpace

roles.ROLES["texture"] = Role(name="texture", modality="frames", default_encoder="toy-frames")
spec = spaces.SpaceSpec(
    name="texture",
    role="texture",
    make_untrained=lambda encoders: IdentitySpace("texture", {"texture": "grain"}),
)
spaces.SPACE_SPECS["texture"] = spec
spaces.SPACES = tuple(spaces.SPACE_SPECS)
"""


def test_another_role_and_space_are_a_row_each(tmp_path):
    """Indexed, searched, weighed, explained and rebuilt by tables alone, in a process of its own."""
    media, lib = gallery(tmp_path / "media", photos=2), tmp_path / "lib"
    with command_process(tmp_path, "another", ANOTHER) as run_there:

        def run(*words):
            code, output, errors = run_there(*words)
            assert code == 0, errors
            return output

        run("index", media, "--library", lib, "--encoders", f"{ENCODERS},texture=toy-frames")
        assert json.loads(run("info", "--library", lib, "--json"))["encoders"]["texture"] == "toy-frames"
        query = ("search", "--image", media / "photo1.png", "--library", lib, "--json", "--explain")
        weights = "object=0,activity=0,audio=0,texture=1"
        best = json.loads(run(*query, "--weights", weights))["results"][0]
        assert best["path"].endswith("photo1.png") and best["spaces"]["texture"] == 1
        assert "texture.grain" in best["why"]["views"]
        run("rebuild", "--library", lib)
        assert json.loads(run(*query, "--weights", weights))["results"][0]["id"] == best["id"]
