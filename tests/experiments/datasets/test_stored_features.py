import h5py
import numpy as np
import pytest

from encoders.base import AffectError
from experiments.datasets import read_features, read_jemc_features

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


def test_the_layout_of_jemc(tmp_path):
    objects, activity, sound = np.random.default_rng(2).normal(size=(3, 5, 6))
    for folder in ("resnet_feat_caffe_all", "video_features", "audio_features"):
        (tmp_path / folder).mkdir()
    np.save(tmp_path / "resnet_feat_caffe_all" / "video7.npy", objects)
    np.save(tmp_path / "video_features" / "msr_vtt-I3D-RGBFeatures-video7.npy", activity)
    with h5py.File(tmp_path / "audio_features" / "video7.mp3.soundnet.h5", "w") as file:
        file["layer24"] = sound
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
    for place in ("fake.h5", "none", "bare.h5", "gone", "gone.h5"):
        with pytest.raises(AffectError) as told:
            read_features({"objects": tmp_path / place}, IDS)
        assert "\n" not in str(told.value)
    with pytest.raises(AffectError, match="JEMC"):
        read_jemc_features(tmp_path, IDS)
