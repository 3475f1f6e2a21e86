"""The packaged activity expert: views over time and optical flow, and frames it shares with objects."""

import numpy as np
import pytest
from skimage import data

from encoders.base import is_missing_row
from encoders.optical_flow import (
    DIM,
    FLOW_DIM,
    FLOW_GRID,
    FLOW_MEASURES,
    LAYOUT_DIM,
    average_halves,
    compute_flow_features,
)
from encoders.registry import ENCODERS
from retrieval.features import shared_backbone
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline

SILENT = [None] * 4


@pytest.fixture(scope="module")
def activity():
    return ENCODERS.make("lite2-flow")


@pytest.fixture
def counted(activity, monkeypatch):
    """Numbers of frames that went through each network: of the objects expert, of the activity expert."""
    frames = {}
    for name, encoder in (("objects", ENCODERS.make("efficientnet-lite2")), ("own", activity.backbone)):
        frames[name] = 0

        def run(pixels, name=name, plain=encoder._network):
            frames[name] += len(pixels)
            return plain(pixels)

        monkeypatch.setitem(vars(encoder), "_network", run)
    return frames


def photo(side=160):
    return np.ascontiguousarray(data.astronaut()[:side, 160 : 160 + side])


def shifted(right, down=0, steps=3):
    """A textured square patch that moves so many px a step before a still background."""
    frames = np.full((steps, 120, 160, 3), 90, np.uint8)
    for i, frame in enumerate(frames):
        y, x = 40 + i * down, 60 + i * right
        frame[y : y + 40, x : x + 40] = data.astronaut()[100:140, 200:240]
    return frames


def scaled(*sizes):
    """A disc with these radii in px, one a frame."""
    y, x = np.mgrid[:128, :128] - 64
    return np.stack([np.where(np.hypot(x, y) < r, 220, 40)[..., None].repeat(3, 2) for r in sizes]).astype(
        np.uint8
    )


def mean_of(measure, row):
    return float(row[: FLOW_DIM // 2].reshape(len(FLOW_MEASURES), -1)[FLOW_MEASURES.index(measure)].mean())


def test_row_has_the_views_of_both_halves_and_the_flow(activity):
    frames = shifted(6)
    row = activity.encode([frames])[0]
    layout = activity.backbone.extract_features([frames])[0].layout
    assert row.shape == (DIM,) and DIM == 2 * LAYOUT_DIM + FLOW_DIM
    assert np.allclose(row[:LAYOUT_DIM], (layout[0] * 2 + layout[1]) / 3, atol=1e-3)
    assert np.allclose(row[LAYOUT_DIM : 2 * LAYOUT_DIM], (layout[2] * 2 + layout[1]) / 3, atol=1e-3)
    assert np.array_equal(row[2 * LAYOUT_DIM :], compute_flow_features(frames))
    assert np.isfinite(row.astype(np.float16)).all()


@pytest.mark.parametrize("count", [2, 3, 4, 15])
def test_early_and_late_share_the_frames_evenly(count):
    rows = np.eye(count, dtype=np.float32)
    early, late = average_halves(rows)
    assert np.allclose((early + late) / 2, 1 / count) and np.isclose(early.sum(), 1)
    assert (early[: count // 2] == early[0]).all() and (late[: count // 2] == 0).all()


def test_a_single_frame_abstains_and_costs_nothing(activity, counted):
    rows = activity.encode([photo()[None], shifted(6), photo()[None]])
    assert is_missing_row(rows).tolist() == [True, False, True]
    assert np.isnan(rows[0]).all() and np.isfinite(rows[1]).all()
    assert counted["own"] == 3
    assert is_missing_row(activity.encode([photo()[None]])).all() and counted["own"] == 3


@pytest.mark.parametrize(
    ("measure", "frames", "opposite"),
    [
        ("u", shifted(6), shifted(-6)),
        ("v", shifted(0, down=6), shifted(0, down=-6)),
        ("divergence", scaled(18, 24, 31), scaled(31, 24, 18)),
    ],
)
def test_flow_has_a_direction(measure, frames, opposite):
    one, other = (mean_of(measure, compute_flow_features(clip)) for clip in (frames, opposite))
    assert one > 0 > other and np.isclose(one, -other, rtol=0.5)


def test_flow_of_a_shift_is_its_length():
    """The whole picture moves 8 of 160 px a step."""
    wide = data.astronaut()[100:260]
    frames = np.stack([wide[:, 200 - 8 * i : 360 - 8 * i] for i in range(3)])
    means, spreads = compute_flow_features(frames).reshape(2, len(FLOW_MEASURES), FLOW_GRID, FLOW_GRID)
    assert np.allclose(np.median(means[0]), 8 / 160, atol=0.005)
    assert np.allclose(np.median(means[1]), 0, atol=0.005) and np.median(spreads[0]) < 0.005


def test_a_mirrored_clip_moves_the_other_way(activity):
    row, mirrored = activity.encode([shifted(6), shifted(6)[:, :, ::-1]])
    flow, other = (
        r[2 * LAYOUT_DIM :].reshape(2, len(FLOW_MEASURES), FLOW_GRID, FLOW_GRID)[0] for r in (row, mirrored)
    )
    assert mean_of("u", row[2 * LAYOUT_DIM :]) > 0 > mean_of("u", mirrored[2 * LAYOUT_DIM :])
    sign = np.array([-1, 1, 1, 1, -1])[:, None, None]  # u and rotation turn over
    unlike = np.abs(other - sign * flow[..., ::-1]).mean(axis=(1, 2))
    assert (unlike < 0.5 * np.abs(flow).mean(axis=(1, 2)) + 1e-3).all()


def test_order_of_frames_matters(activity):
    row, back = activity.encode([shifted(6), shifted(6)[::-1]])
    assert np.allclose(row[:LAYOUT_DIM], back[LAYOUT_DIM : 2 * LAYOUT_DIM], atol=1e-3)
    assert np.abs(row[:LAYOUT_DIM] - back[:LAYOUT_DIM]).max() > 0.05
    assert mean_of("u", row[2 * LAYOUT_DIM :]) > 0 > mean_of("u", back[2 * LAYOUT_DIM :])


@pytest.mark.parametrize("level", [0, 128, 255])
def test_constant_frames_do_not_move(activity, level):
    row = activity.encode([np.full((4, 90, 120, 3), level, np.uint8)])[0]
    assert np.isfinite(row).all() and np.allclose(row[2 * LAYOUT_DIM :], 0, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (17, 3), (127, 129), (720, 31)])
def test_odd_sizes(activity, size):
    frames = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    assert np.isfinite(activity.encode([frames])).all()


def test_neither_batch_nor_layout_in_memory_matters(activity):
    clips = [shifted(6), shifted(-4, steps=2), np.asfortranarray(scaled(10, 20, 30, 40, 50))]
    rows = activity.encode(clips)
    assert np.allclose(rows, np.concatenate([activity.encode([clip]) for clip in clips]), atol=1e-3)
    assert np.array_equal(rows[:, 2 * LAYOUT_DIM :], activity.encode(clips[::-1])[::-1, 2 * LAYOUT_DIM :])


RECIPE = PipelineConfig(
    pose="",
    objects="efficientnet-lite2",
    activity="lite2-flow",
    sound="",
    events="",
    tone="",
    faces="",
    text="",
)


def test_shared_frames_give_the_same_rows_and_run_once(activity, counted):
    frames = [shifted(6), None, photo()[None], shifted(-6, steps=2)]
    rows = FeaturePipeline(RECIPE).encode_media(frames, SILENT)
    assert list(rows) == ["objects", "activity"]
    assert counted == {"objects": 6, "own": 0}
    present = [clip for clip in frames if clip is not None]
    alone = ENCODERS.make("efficientnet-lite2").encode(present)
    assert np.array_equal(rows["objects"][[0, 2, 3]], alone) and is_missing_row(rows["objects"])[1]
    assert is_missing_row(rows["activity"]).tolist() == [False, True, True, False]
    assert np.allclose(rows["activity"][[0, 3]], activity.encode([frames[0], frames[3]]), atol=1e-3)


def test_sharing_takes_many_items_and_none(monkeypatch):
    """More than are encoded at a time."""
    monkeypatch.setattr(shared_backbone, "BATCH_SIZE", 8)
    frames = [shifted(i % 5, steps=2) for i in range(15)]
    rows = FeaturePipeline(RECIPE).encode_media(frames, [None] * 15)
    assert np.array_equal(rows["activity"][:5, 2 * LAYOUT_DIM :], rows["activity"][10:, 2 * LAYOUT_DIM :])
    none = FeaturePipeline(RECIPE).encode_media([None], [None])
    assert is_missing_row(none["objects"]).all() and is_missing_row(none["activity"]).all()


@pytest.mark.parametrize("objects", ["", "toy-frames"])
def test_alone_it_runs_its_own_network(counted, objects):
    recipe = PipelineConfig(
        objects=objects, activity="lite2-flow", sound="", events="", tone="", faces="", text=""
    )
    rows = FeaturePipeline(recipe).encode_media([shifted(6), None], [None, None])
    assert counted == {"objects": 0, "own": 3}
    assert is_missing_row(rows["activity"]).tolist() == [False, True] and (objects == "") == (
        "objects" not in rows
    )
