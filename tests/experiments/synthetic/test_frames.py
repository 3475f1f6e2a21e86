"""Colours and actions show in the frames."""

from dataclasses import replace

import numpy as np
from synthetic_clips import COUNT

from experiments.synthetic import ACTIONS, COLOURS, generate_clips
from experiments.synthetic.frames import FRAME_SIZE, compute_trajectory, render_backdrop, render_frames


def body(clip, segment):
    """(t, h, w) how much each pixel is of the clip's colour rather than of the backdrop, 0 to 1."""
    behind, colour = render_backdrop(clip).astype(float), np.array(COLOURS[clip.colour], float)
    axis = colour - behind
    share = ((segment.frames - behind) * axis).sum(axis=-1) / (axis**2).sum(axis=-1)
    return np.where(share > 0.5, 1.0, 0.0)


def centres(mask):
    """(t, 2) x and y of the middle of a mask (t, h, w), in sides."""
    grid = (np.arange(mask.shape[1]) + 0.5) / mask.shape[1]
    total = mask.sum(axis=(1, 2))
    return (
        np.stack([(mask.sum(axis=1) * grid).sum(axis=1), (mask.sum(axis=2) * grid).sum(axis=1)], 1)
        / (total[:, None])
    )


def test_the_files_are_small_films(decoded_clips):
    for clip, segment in decoded_clips:
        assert segment.frames.shape == (36, FRAME_SIZE, FRAME_SIZE, 3)
        assert (segment.audio is None) == (clip.mood is None)
    assert 0 < sum(clip.mood is None for clip, _ in decoded_clips) < COUNT / 2


def test_colour_shows_in_every_frame(decoded_clips):
    for clip, segment in decoded_clips:
        mask = body(clip, segment)
        seen = np.array([np.median(f[m > 0], axis=0) for f, m in zip(segment.frames, mask, strict=True)])
        far = np.abs(seen[:, None] - np.array(list(COLOURS.values()))).sum(axis=-1)
        assert {list(COLOURS)[index] for index in far.argmin(axis=1)} == {clip.colour}


def test_actions_show_over_time(decoded_clips):
    for clip, segment in decoded_clips:
        mask = body(clip, segment)
        moved, area, way = centres(mask), mask.sum(axis=(1, 2)), compute_trajectory(clip)
        assert np.abs(moved[:, 0] - way.x).max() < 0.05 and np.abs(moved[:, 1] - way.y).max() < 0.05
        shift, growth = moved[-1, 0] - moved[0, 0], area[-1] / area[0]
        swing = np.ptp(moved, axis=0)
        match clip.action:
            case "slides left":
                assert shift < -0.45 and swing[1] < 0.05
            case "slides right":
                assert shift > 0.45 and swing[1] < 0.05
            case "grows":
                assert growth > 5
            case "shrinks":
                assert growth < 1 / 5
            case "bounces":
                assert swing[1] > 0.3 > 0.05 > swing[0]
            case "orbits":
                assert (swing > 0.45).all()
            case "shakes":
                assert 0.1 < swing[0] < 0.2
            case "spins":
                assert (swing < 0.05).all() and 0.8 < growth < 1.25
    assert len({clip.action for clip, _ in decoded_clips}) == len(ACTIONS)


def test_sliding_left_is_sliding_right_backwards():
    clip = next(clip for clip in generate_clips(50, seed=0) if clip.action == "slides left")
    there, back = render_frames(clip), render_frames(replace(clip, action="slides right"))
    assert (there == back[::-1]).all() and (there != back).any()
    grow, shrink = (render_frames(replace(clip, action=action)) for action in ("grows", "shrinks"))
    assert (grow == shrink[::-1]).all()
