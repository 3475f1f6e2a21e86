"""Frames of a clip: one moving shape on a backdrop, antialiased."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import Frames
from experiments.synthetic.world import COLOURS, SyntheticClip

FPS = 12
CLIP_SECONDS = 3
FRAME_SIZE = 128  # pixels, both ways
FRAME_COUNT = FPS * CLIP_SECONDS

Floats = npt.NDArray[np.floating]

MARKER = (0.5, 0.2)  # distance and radius, in sizes, of the dot on a shape that makes rotation visible


@dataclass(frozen=True, kw_only=True)
class ShapeTrajectory:
    """(frames,) x to the right, y down and size (radius), in frame widths, and angle in radians."""

    x: Floats
    y: Floats
    size: Floats
    angle: Floats


def compute_trajectory(clip: SyntheticClip) -> ShapeTrajectory:
    """The trajectory of a clip's action, from a random position, size, angle and phase."""
    rng = clip.make_rng(1)
    progress = (np.arange(FRAME_COUNT) + 0.5) / FRAME_COUNT  # 0 to 1 over the clip
    constant = np.ones(FRAME_COUNT)
    x: Floats = rng.uniform(0.36, 0.64) * constant
    y: Floats = rng.uniform(0.36, 0.64) * constant
    size: Floats = rng.uniform(0.13, 0.2) * constant
    angle: Floats = rng.uniform(0, 2 * np.pi) * constant
    phase, speed, direction = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.1), rng.choice((-1, 1))
    turns = 2 * np.pi * progress * speed
    match clip.action:
        case "slides right" | "slides left":
            x = _interpolate(clip.action == "slides right", 0.22, 0.78, progress)
        case "grows" | "shrinks":
            size = _interpolate(clip.action == "grows", 0.08, 0.27, progress)
        case "bounces":
            y = 0.76 - 0.5 * np.abs(np.sin(1.25 * turns + phase))
        case "spins":
            angle = angle + direction * turns
        case "shakes":
            x = x + 0.07 * np.sin(8 * turns + phase)
        case "orbits":
            orbit = direction * turns + phase
            x, y = 0.5 + 0.28 * np.cos(orbit), 0.5 + 0.28 * np.sin(orbit)
    return ShapeTrajectory(x=x, y=y, size=size, angle=angle)


def _interpolate(is_forward: bool, low: float, high: float, progress: Floats) -> Floats:
    return low + (high - low) * (progress if is_forward else 1 - progress)


def render_frames(clip: SyntheticClip) -> Frames:
    """(36, 128, 128, 3) RGB, the same for the same clip."""
    trajectory = compute_trajectory(clip)
    grid = (np.arange(FRAME_SIZE, dtype=np.float32) + 0.5) / FRAME_SIZE
    x, y, size, angle = (
        values.astype(np.float32)[:, None, None]
        for values in (trajectory.x, trajectory.y, trajectory.size, trajectory.angle)
    )
    across, down = (grid - x) / size, (grid[:, None] - y) / size  # (t, 1, w), (t, h, 1), in sizes
    body = np.hypot(across, down) - OUTLINES[clip.shape](np.arctan2(down, across) - angle)
    dot = np.hypot(across - MARKER[0] * np.cos(angle), down - MARKER[0] * np.sin(angle)) - MARKER[1]
    canvas = np.broadcast_to(render_backdrop(clip)[None], (FRAME_COUNT, FRAME_SIZE, FRAME_SIZE, 3))
    canvas = canvas + _compute_coverage(body, size) * (np.array(COLOURS[clip.colour], np.float32) - canvas)
    canvas += 0.75 * _compute_coverage(dot, size) * (255 - canvas)
    return np.asarray(canvas.round().clip(0, 255), np.uint8)


def render_backdrop(clip: SyntheticClip) -> Floats:
    """(h, w, 3) float32 background: near black, near white, or grey stripes."""
    rng = clip.make_rng(2)
    tint = rng.uniform(-8, 8, 3)
    level = {"dark": 28.0, "light": 228.0, "striped": 105.0}[clip.backdrop] + tint
    stripes: Floats = np.zeros(FRAME_SIZE)
    if clip.backdrop == "striped":
        stripes = 55.0 * ((np.arange(FRAME_SIZE) + rng.integers(16)) // 8 % 2)
    return np.broadcast_to((level + stripes[:, None]).astype(np.float32), (FRAME_SIZE, FRAME_SIZE, 3))


def _compute_coverage(signed_distance: Floats, size: Floats) -> Floats:
    """(t, h, w, 1) share of each pixel inside (`signed_distance` < 0, in sizes); the edge is a pixel wide."""
    return np.asarray(np.clip(0.5 - signed_distance * (size * FRAME_SIZE), 0, 1)[..., None])


def _make_polygon_outline(corners: int, radius: float) -> Callable[[Floats], Floats]:
    half = np.pi / corners

    def outline(angle: Floats) -> Floats:
        return np.asarray(radius * np.cos(half) / np.cos(angle % (2 * half) - half))

    return outline


def _compute_star_outline(angle: Floats) -> Floats:
    pointedness = np.abs(angle * 5 / (2 * np.pi) % 1 - 0.5) * 2  # 1 at the five points, 0 between them
    return np.asarray(0.55 + 0.75 * pointedness**1.6)


OUTLINES: dict[str, Callable[[Floats], Floats]] = {
    "disc": np.ones_like,
    "square": _make_polygon_outline(4, 1.25),
    "triangle": _make_polygon_outline(3, 1.45),
    "star": _compute_star_outline,
}
"""Distance of a shape's edge from its centre by angle, in sizes; areas are about equal."""
