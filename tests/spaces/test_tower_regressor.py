import numpy as np
import pytest

from encoders.base import AffectError
from spaces.joint.space import KernelInput, Layer, LinearInput, Tower
from spaces.tower_regressor import Regressor, RegressorSet, load_regressors, save_regressors


def reader(dim, out, rng):
    return LinearInput(
        mean=rng.normal(size=dim).astype(np.float32),
        scale=np.full(dim, 2, np.float32),
        weight=rng.normal(size=(dim, out)).astype(np.float16).astype(np.float32),
        absent=np.zeros(out, np.float32),
        power=0.5,
    )


def linear(seed, dim=5, out=2):
    rng = np.random.default_rng(seed)
    return Tower(inputs={"objects": reader(dim, out, rng)}, bias=rng.normal(size=out).astype(np.float32))


def kernel(seed, dim=3, out=2):
    rng = np.random.default_rng(seed)
    listens = KernelInput(
        mean=np.zeros(dim, np.float32), scale=np.ones(dim, np.float32),
        centres=rng.normal(size=(4, dim)).astype(np.float16).astype(np.float32), gamma=0.5,
        weight=rng.normal(size=(4, 3)).astype(np.float16).astype(np.float32), absent=np.zeros(3, np.float32),
    )  # fmt: skip
    layer = Layer(weight=np.ones((3, out), np.float32), bias=np.zeros(out, np.float32))
    return Tower(inputs={"tone": listens}, bias=np.zeros(3, np.float32), layers=(layer,))


def test_the_mean_of_towers_and_not_of_unit_length():
    one, other = linear(0), linear(1)
    rows = np.random.default_rng(2).normal(size=(6, 5)).astype(np.float32)
    found = Regressor(towers=(one, other))({"objects": rows})
    root = np.sign(rows) * np.sqrt(np.abs(rows))
    expected = [
        (root - tower.inputs["objects"].mean) / 2 @ tower.inputs["objects"].weight + tower.bias
        for tower in (one, other)
    ]
    assert np.allclose(found, np.mean(expected, axis=0), atol=1e-5)
    assert not np.allclose(np.linalg.norm(found, axis=1), 1)


def test_missing_rows_abstain():
    rows = np.zeros((3, 5), np.float32)
    rows[1, 2] = np.nan
    found = Regressor(towers=(linear(0),))({"objects": rows})
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]


def test_none_of_its_roles():
    with pytest.raises(KeyError, match="objects"):
        Regressor(towers=(linear(0),))({"faces": np.zeros((1, 5), np.float32)})


def test_a_file_gives_back_what_was_saved(tmp_path):
    kept = RegressorSet(
        members={"mean": Regressor(towers=(linear(0), linear(1))), "log_sd": Regressor(towers=(kernel(2),))},
        encoder_signatures={"objects": "made/1/5/x", "tone": "heard/1/3/y"},
        metadata={"classes": ["a", "b"]},
    )
    file = tmp_path / "affect-image.safetensors"
    digest = save_regressors(file, kept)
    found = load_regressors(file)
    assert (found.digest, found.encoder_signatures, found.metadata) == (
        digest,
        kept.encoder_signatures,
        kept.metadata,
    )
    rows = np.random.default_rng(3).normal(size=(4, 5)).astype(np.float32)
    heard = rows[:, :3]
    assert np.allclose(found["mean"]({"objects": rows}), kept["mean"]({"objects": rows}), atol=1e-6)
    assert np.allclose(found["log_sd"]({"tone": heard}), kept["log_sd"]({"tone": heard}), atol=1e-6)
    assert found["log_sd"].roles == ("tone",)


def test_what_is_not_finite_is_not_saved(tmp_path):
    tower = linear(0)
    tower.bias[0] = np.inf
    with pytest.raises(ValueError, match="finite"):
        save_regressors(
            tmp_path / "x.safetensors",
            RegressorSet(members={"mean": Regressor(towers=(tower,))}, encoder_signatures={}),
        )


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_file(tmp_path, content):
    file = tmp_path / "affect-text.safetensors"
    file.write_bytes(content)
    with pytest.raises(AffectError, match=r"affect-text.safetensors: no regressors can be read"):
        load_regressors(file)
