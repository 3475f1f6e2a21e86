import hashlib
import subprocess

import h5py
import numpy as np
import pytest

from encoders.base import AffectError
from experiments.datasets import read_features, read_jemc_features
from experiments.datasets.stored_features import describe_feature_files

IDS = ("video0", "video1", "-ab_c_5_15")


@pytest.fixture
def frames():
    """Features by id, some of them (time, d); the second id has none."""
    rng = np.random.default_rng(1)
    return {"video0": rng.normal(size=(7, 4)), "-ab_c_5_15": rng.normal(size=4).astype(np.float32)}


def check(rows, frames):
    assert rows.shape == (3, 4) and rows.dtype == np.float32
    assert np.allclose(rows[0], frames["video0"].mean(axis=0)) and np.allclose(rows[2], frames["-ab_c_5_15"])
    assert np.isnan(rows[1]).all()


@pytest.mark.parametrize("prefix", ["", "msr_vtt-I3D-RGBFeatures-"])
def test_npy_per_video(tmp_path, frames, prefix):
    for name, entry in frames.items():
        np.save(tmp_path / f"{prefix}{name}.npy", entry)
    np.save(tmp_path / "video10.npy", np.zeros(9))  # of another set
    check(read_features({"activity": tmp_path}, IDS)["activity"], frames)


def test_hdf5_per_video_and_as_a_matrix(tmp_path, frames):
    with h5py.File(tmp_path / "each.h5", "w") as file:
        for name, entry in frames.items():
            file[name] = entry
    means = np.stack([entry if entry.ndim == 1 else entry.mean(axis=0) for entry in frames.values()])
    with h5py.File(tmp_path / "matrix.hdf5", "w") as file:
        file["features"], file["ids"] = means, [name.encode() for name in frames]
    found = read_features({"a": tmp_path / "each.h5", "b": tmp_path / "matrix.hdf5"}, IDS)
    check(found["a"], frames)
    check(found["b"], frames)


def test_npz_per_video_and_as_a_matrix(tmp_path, frames):
    np.savez(tmp_path / "each.npz", **frames)
    means = np.stack([entry if entry.ndim == 1 else entry.mean(axis=0) for entry in frames.values()])
    np.savez(tmp_path / "matrix.npz", rows=means, ids=np.array(list(frames)))
    found = read_features({"a": tmp_path / "each.npz", "b": tmp_path / "matrix.npz"}, IDS)
    check(found["a"], frames)
    check(found["b"], frames)


PATH_IDS = ("clips/a.mp4", "clips/b.mp4", "other/b.mp4")


@pytest.mark.parametrize("name", ["clips/a.mp4", "clips/a", "a.mp4", "a"])
def test_ids_that_are_paths(tmp_path, name):
    """Features are found by the path of the medium, with or without its folder and suffix."""
    row = np.arange(3.0)
    file = tmp_path / "npy" / f"{name}.npy"
    file.parent.mkdir(parents=True)
    np.save(file, row)
    np.savez(tmp_path / "each.npz", **{name: row})
    np.savez(tmp_path / "matrix.npz", rows=row[None], ids=np.array([name]))
    with h5py.File(tmp_path / "each.h5", "w") as stored:
        stored[name] = row
    for place in ("npy", "each.npz", "matrix.npz", "each.h5"):
        found = read_features({"objects": tmp_path / place}, PATH_IDS)["objects"]
        assert found[0].tolist() == [0, 1, 2] and np.isnan(found[1:]).all(), place


def test_a_name_that_fits_two_ids_stands_for_neither(tmp_path):
    np.savez(tmp_path / "each.npz", **{"a": np.zeros(2), "b": np.ones(2), "other/b": np.ones(2)})
    found = read_features({"objects": tmp_path / "each.npz"}, PATH_IDS)["objects"]
    assert np.isnan(found[1]).all() and found[2].tolist() == [1, 1]


def test_where_features_come_from(tmp_path):
    for name in ("video0", "video1", "unused"):
        np.save(tmp_path / f"{name}.npy", np.full(2, len(name)))
    with h5py.File(tmp_path / "all.h5", "w") as stored:
        stored["video0"] = np.zeros(3)
    told = describe_feature_files({"objects": tmp_path, "sound": tmp_path / "all.h5"}, IDS)
    content = (tmp_path / "all.h5").read_bytes()
    assert told["sound"] == {
        "path": str(tmp_path / "all.h5"), "files": 1, "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    listing = subprocess.run(
        ["sha256sum", "video0.npy", "video1.npy"], cwd=tmp_path, capture_output=True, check=True
    )
    lines = b"".join(sorted(listing.stdout.splitlines(keepends=True)))
    assert told["objects"]["files"] == 2
    assert told["objects"]["sha256"] == hashlib.sha256(lines).hexdigest()


def test_the_layout_of_jemc(tmp_path):
    objects, activity, sound = np.random.default_rng(2).normal(size=(3, 5, 6))
    for folder in ("resnet_feat_caffe_all", "video_features", "audio_features"):
        (tmp_path / folder).mkdir()
    np.save(tmp_path / "resnet_feat_caffe_all" / "video7.npy", objects)
    np.save(tmp_path / "video_features" / "msr_vtt-I3D-RGBFeatures-video7.npy", activity)
    with h5py.File(tmp_path / "audio_features" / "video7.mp3.soundnet.h5", "w") as file:
        file["layer24"] = sound
    (told,) = {entry["files"] for entry in describe_feature_files(tmp_path, ("video7",)).values()}
    assert told == 1
    assert read_features(tmp_path, ("clips/video7.mp4",))["sound"].shape == (1, 5)
    rows = read_features(tmp_path, ("video6", "video7"))
    assert np.allclose(rows["objects"][1], objects.mean(axis=0))
    assert np.allclose(rows["activity"][1], activity.mean(axis=0))
    assert np.allclose(rows["sound"][1], sound.mean(axis=1))
    assert all(np.isnan(found[0]).all() for found in rows.values())


def test_bad_feature_files_say_which_and_why(tmp_path):
    made = {
        "two": [("video0", np.zeros(4)), ("i3d-video0", np.zeros(4))],
        "widths": [("video0", np.zeros(4)), ("video1", np.zeros(5))],
        "infinite": [("video0", np.full(4, np.inf))],
        "empty": [("video0", np.zeros((0, 4)))],
        "words": [("video0", np.array(["a"]))],
        "cube": [("video0", np.zeros((2, 3, 4)))],
        "none": [],
    }
    reasons = {
        "two": "video0.npy|as well", "widths": "different widths: 4 .*, 5", "infinite": "infinities",
        "empty": r"float64\(0, 4\)", "words": "wanted numbers", "cube": r"\(2, 3, 4\)",
        "none": "nothing named like",
    }  # fmt: skip
    for name, files in made.items():
        (tmp_path / name).mkdir()
        for stem, entry in files:
            np.save(tmp_path / name / f"{stem}.npy", entry)
        with pytest.raises(AffectError, match=reasons[name]) as told:
            read_features({"objects": tmp_path / name}, IDS)
        assert "\n" not in str(told.value)
    (tmp_path / "fake.h5").write_text("no")
    (tmp_path / "none" / "video0.npy").write_text("no")
    h5py.File(tmp_path / "bare.h5", "w").close()
    (tmp_path / "fake.npz").write_text("no")
    for place in ("fake.h5", "fake.npz", "none", "bare.h5", "gone", "gone.h5"):
        with pytest.raises(AffectError) as told:
            read_features({"objects": tmp_path / place}, IDS)
        assert "\n" not in str(told.value)
    with pytest.raises(AffectError, match="JEMC"):
        read_jemc_features(tmp_path, IDS)
