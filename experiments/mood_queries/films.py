"""Synthetic films whose mood takes a known course: music, calm or excited, that turns at known times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from experiments.synthetic.frames import FPS, render_frames
from experiments.synthetic.music import SAMPLE_RATE_HZ, render_audio
from experiments.synthetic.world import ACTIONS, BACKDROPS, COLOURS, SHAPES, SyntheticClip
from retrieval.progress_reporter import ProgressReporter
from retrieval.samples.media_writer import make_file_atomically, write_video

LOW, HIGH = -0.8, 0.8  # arousal of the music, which the regressor of sound reads; it does not read valence
COURSES: Mapping[str, tuple[float, ...]] = {
    "rises": (LOW, HIGH),
    "falls": (HIGH, LOW),
    "rises and falls": (LOW, HIGH, LOW),
    "falls and rises": (HIGH, LOW, HIGH),
    "stays low": (LOW,),
    "stays high": (HIGH,),
}
"""The arousal at the start, at each turn and at the end of a film."""
VALENCE_RANGE = (0.2, 0.8)
CLIPS_PER_SEGMENT = 2  # of three seconds each
SEGMENT_SECONDS = 6.0
SEGMENT_COUNTS = (4, 9)  # of a film, the least and one more than the most
GENERATOR_VERSION = 1  # raise it when the same seed would give other films


@dataclass(frozen=True, kw_only=True)
class Film:
    """A film: its course, and the clips of which it is made."""

    name: str
    course: str
    clips: Sequence[SyntheticClip]


def generate_films(count_per_course: int, seed: int) -> list[Film]:
    """Films of each of COURSES, of different lengths, turning points, melodies and pictures.

    A turn is at once, or takes the whole way from one mood to the next.
    """
    return [
        _generate_film(course, number * len(COURSES) + at, seed)
        for number in range(count_per_course)
        for at, course in enumerate(COURSES)
    ]


def _generate_film(course: str, number: int, seed: int) -> Film:
    rng = np.random.default_rng((seed, number, GENERATOR_VERSION))
    levels = np.array(COURSES[course])
    clip_count = CLIPS_PER_SEGMENT * int(rng.integers(*SEGMENT_COUNTS))
    times = np.linspace(0, 1, clip_count)
    if len(levels) == 1 or rng.random() < 0.5:  # gradual
        arousal = np.interp(times, np.linspace(0, 1, len(levels)), levels)
    else:
        turns = (np.arange(1, len(levels)) + rng.uniform(-0.3, 0.3, len(levels) - 1)) / len(levels)
        arousal = levels[np.searchsorted(turns, times)]
    look = {
        "shape": str(rng.choice(SHAPES)), "colour": str(rng.choice(list(COLOURS))),
        "action": str(rng.choice(ACTIONS)), "backdrop": str(rng.choice(BACKDROPS)),
    }  # fmt: skip
    valence = float(rng.uniform(*VALENCE_RANGE))
    clips = [
        SyntheticClip(
            number=number * 100 + at, seed=seed, **look, mood="", valence=valence,
            arousal=float(np.clip(level + rng.normal(0, 0.05), -1, 1)), split="test",
        )
        for at, level in enumerate(arousal)
    ]  # fmt: skip
    return Film(name=f"film{number:04d}.mp4", course=course, clips=clips)


def render_films(folder: Path, films: Sequence[Film], *, quiet: bool = False) -> list[Path]:
    """Write the films that are missing in a folder; the paths of all."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [film for film in films if not (folder / film.name).exists()]
    with ProgressReporter("films", unit="films", quiet=quiet) as report:
        for number, film in enumerate(missing, 1):
            make_file_atomically(folder / film.name, partial(_write_film, film))
            report.update("rendering", number, len(missing))
    return [folder / film.name for film in films]


def _write_film(film: Film, path: Path) -> None:
    frames = render_frames(film.clips[0])  # the same three seconds again and again
    write_video(
        path,
        frames=chain.from_iterable(frames for _ in film.clips),
        fps=FPS,
        audio_blocks=_render_sound(film),
        sample_rate=SAMPLE_RATE_HZ,
        codec_options={"preset": "veryfast", "crf": "23", "threads": "1"},
    )


def _render_sound(film: Film) -> Iterator[np.ndarray]:
    for clip in film.clips:
        samples = render_audio(clip)
        if samples is not None:
            yield samples
