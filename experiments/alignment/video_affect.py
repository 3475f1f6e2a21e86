"""Affect of the pictures, sound and faces of a folder's videos, moment by moment, as the report took them.

One picture a second, sound every half second and of whole segments (circumplex report, sections 7 and 8). A
video is decoded once; what was read of it is a file in the cache folder, named by what it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.acoustic.features import windows
from encoders.base import AffectError, MissingBackend, Rows, Sound, encode_all, printable
from encoders.media import Sampling, Segment
from encoders.media.decoder_pool import DecoderPool, Failed, Finished, Opened, Part
from encoders.onnx_runtime import cache_dir, write_whole
from experiments.features.streaming import JOBS
from retrieval.features.extraction import STEP
from retrieval.features.pipeline import Experts, Recipe
from retrieval.indexing.file_scan import media_files
from retrieval.progress_reporter import ProgressReporter
from retrieval.storage.locking import disk_errors

Floats = npt.NDArray[np.float64]
Told = Callable[[str], None]

BLOCK = 30.0  # seconds decoded at a time
RULE = 1  # raise it when the same video would be read otherwise


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """A video of `duration` seconds, as the experts read it: rows (n, 4) of affect, NaN where they abstain.

    picture, face: of each picture, shown at `shown` (n,) seconds; faces as they are on that picture
    sound:  of 3 s of sound about each of `heard` (w,) seconds
    whole:  by length of segment, of the sound of each whole segment; row k begins at k lengths
    digest: of the file's content
    """

    digest: str
    duration: float
    picture: Rows
    face: Rows
    shown: Floats
    sound: Rows
    heard: Floats
    whole: Mapping[float, Rows]


@dataclass(kw_only=True)
class Folder:
    """What a folder gave: its videos, how many files there were, and why some were left out."""

    name: str
    videos: list[Watched] = field(default_factory=list)
    silent: int = 0
    twice: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def experts_of_affect() -> Experts:
    """The packaged experts that pictures, sound and faces are read by. Raises MissingBackend without one."""
    experts = Experts(replace(Recipe.default(), activity="", sentiment=""))
    if lacking := [sense for sense in ("image", "sound") if sense not in experts.affect.regressors]:
        raise MissingBackend(
            f"no packaged head reads valence and arousal of {' and '.join(lacking)}; install again"
        )
    return experts


def watch(
    folder: Path, lengths: Sequence[float], *, experts: Experts, told: Told = lambda _: None,
    quiet: bool = False,
) -> Folder:  # fmt: skip
    """Read every video with a sound track below a folder, each content once; kept ones are not read again.

    lengths: of segments in seconds, of which the whole sound is read too
    told:    gets a line for each file that can't be read, which costs no other

    Raises AffectError for a folder that can't be read, or without a video with sound.
    """
    found = Folder(name=printable(folder.resolve().name or folder))

    def refused(path: Path, why: str) -> None:
        found.refused[printable(path)] = why
        told(f"{printable(path)}: {why}")

    files = list(media_files([folder], refused, cache_dir()))
    sampling = Sampling(segment=BLOCK, fps=1.0, most=None, rate=experts.sound_rate)
    reader = _Reader(experts, sampling, tuple(lengths), found)
    done = 0
    with ProgressReporter("align", unit="files", quiet=quiet) as report:
        report.update("reading videos", 0, len(files))
        with DecoderPool(max(1, min(JOBS, len(files))), sampling) as pool:
            for event in pool.read(files, reader.wanted):
                reader.take(event)
                if isinstance(event, Failed):
                    refused(event.path, event.error.reason)
                if isinstance(event, Failed | Finished):
                    done += 1
                    report.update("reading videos", done, len(files))
    if not found.videos:
        raise AffectError(
            f"{printable(folder)}: no video with sound that can be read, among {len(files)} media files"
        )
    found.videos.sort(key=lambda one: one.digest)  # files end in any order
    return found


class _Reader:
    """Reads blocks as they come; what is whole is kept on disk."""

    def __init__(
        self, experts: Experts, sampling: Sampling, lengths: tuple[float, ...], found: Folder
    ) -> None:
        told = json.dumps([RULE, experts.signature(), repr(sampling), lengths])
        self._place = cache_dir() / "watched" / hashlib.sha256(told.encode()).hexdigest()[:12]
        self._experts, self._rate, self._lengths, self._found = experts, sampling.rate, lengths, found
        self._open: dict[Path, _Film] = {}
        self._known: set[str] = set()

    def wanted(self, opened: Opened) -> bool:
        """A video with sound that nothing is known of; what is known is taken here."""
        probe, digest = opened.probe, opened.digest
        if probe.modality != "video" or not probe.duration:
            return False
        if probe.rate is None:
            self._found.silent += 1
            return False
        if digest in self._known:
            self._found.twice += 1
            return False
        self._known.add(digest)
        kept = _kept(self._file(digest), digest, self._lengths)
        if kept is not None:
            self._found.videos.append(kept)
            return False
        self._open[opened.path] = _Film(self._experts, digest, probe.duration, self._rate, self._lengths)
        return True

    def take(self, event: Opened | Part | Finished | Failed) -> None:
        """One event of the decoders."""
        match event:
            case Part(path=path, segment=segment):
                self._open[path].take(segment)
            case Finished(path=path) if path in self._open:
                watched = self._open.pop(path).end()
                _keep(self._file(watched.digest), watched)
                self._found.videos.append(watched)
            case Failed(path=path) if path in self._open:
                self._known.discard(self._open.pop(path).digest)  # a copy of it may fare better

    def _file(self, digest: str) -> Path:
        return self._place / f"{digest}.safetensors"


class _Film:
    """One video while it is read."""

    def __init__(
        self, experts: Experts, digest: str, duration: float, rate: int, lengths: Sequence[float]
    ) -> None:
        self.digest = digest
        self._experts, self._duration, self._rate = experts, duration, rate
        self._cutters = {length: _Cutter(length, rate) for length in lengths}
        self._rows: dict[str, list[Rows]] = {"picture": [], "face": [], "sound": []}
        self._whole: dict[float, list[Rows]] = {length: [] for length in lengths}
        self._times: dict[str, list[Floats]] = {"shown": [], "heard": []}

    def take(self, block: Segment) -> None:
        start, end = block.start or 0.0, block.end or self._duration
        frames = [] if block.frames is None else [frame[None] for frame in block.frames]
        self._rows["picture"].append(_read(self._experts, "image", ("objects",), frames))
        roles = ("faces",) if self._experts.recipe.faces else ()
        self._rows["face"].append(_read(self._experts, "face", roles, frames))
        self._times["shown"].append(np.array(block.times, np.float64))
        if block.sound is not None:
            parts, starts = windows(block.sound, STEP)
            self._rows["sound"].append(self._hear(parts))
            self._times["heard"].append(start + starts + STEP / 2)
        samples = np.empty(0, np.float32) if block.sound is None else block.sound.samples
        if end < self._duration:  # what follows must stay where it is
            size = round(end * self._rate) - round(start * self._rate)
            samples = np.pad(samples[:size], (0, max(size - len(samples), 0)))
        for length, cutter in self._cutters.items():
            self._whole[length].append(self._hear(cutter.cut(samples)))

    def end(self) -> Watched:
        for length, cutter in self._cutters.items():
            self._whole[length].append(self._hear(cutter.rest()))
        shown, heard = (np.concatenate([np.empty(0), *self._times[name]]) for name in ("shown", "heard"))
        return Watched(
            digest=self.digest, duration=self._duration, shown=shown, heard=heard,
            picture=_joined(self._rows["picture"]), face=_joined(self._rows["face"]),
            sound=_joined(self._rows["sound"]),
            whole={length: _joined(rows) for length, rows in self._whole.items()},
        )  # fmt: skip

    def _hear(self, sounds: Sequence[Sound]) -> Rows:
        regressors = self._experts.affect.regressors
        roles = tuple(role for role in ("tone", "sound") if role in regressors["sound"].encoders)
        return _read(self._experts, "sound", roles, sounds)


class _Cutter:
    """Cuts sound that comes in blocks into windows of one length, from second 0 on."""

    def __init__(self, length: float, rate: int) -> None:
        self._length, self._rate = length, rate
        self._left = np.empty(0, np.float32)
        self._begin, self._number = 0, 0  # of what is left: its first sample, and its window

    def cut(self, samples: npt.NDArray[np.float32]) -> list[Sound]:
        """The windows that are whole with these samples."""
        self._left = np.concatenate([self._left, samples])
        found = []
        while (size := round((self._number + 1) * self._length * self._rate) - self._begin) <= len(
            self._left
        ):
            found.append(Sound(samples=self._left[:size], rate=self._rate))
            self._left = self._left[size:]
            self._begin, self._number = self._begin + size, self._number + 1
        return found

    def rest(self) -> list[Sound]:
        """The last window, which may be short."""
        return [Sound(samples=self._left, rate=self._rate)] if len(self._left) else []


def _read(experts: Experts, sense: str, roles: Sequence[str], items: Sequence[object]) -> Rows:
    """(n, 4) of items by the experts of some roles; NaN where there is nobody to read them."""
    if not items or not roles:
        return np.full((len(items), 4), np.nan, np.float32)
    features = {role: encode_all(experts.role(role), items) for role in roles}
    found = experts.senses(features).get(sense)
    return np.full((len(items), 4), np.nan, np.float32) if found is None else found


def _joined(rows: Sequence[Rows]) -> Rows:
    return np.concatenate([np.empty((0, 4), np.float32), *rows]).astype(np.float32)


# kept on disk

ARRAYS = ("picture", "face", "sound", "shown", "heard")


def _keep(file: Path, watched: Watched) -> None:
    arrays = {name: np.ascontiguousarray(getattr(watched, name)) for name in ARRAYS}
    arrays |= {f"whole {length:g}": np.ascontiguousarray(rows) for length, rows in watched.whole.items()}
    arrays["duration"] = np.array([watched.duration])
    with disk_errors(cache_dir()):
        write_whole(file, save(arrays))


def _kept(file: Path, digest: str, lengths: Sequence[float]) -> Watched | None:
    """None where there is no such file or it is spoilt."""
    try:
        found = load(file.read_bytes())
        return Watched(
            digest=digest, duration=float(found["duration"][0]), **{name: found[name] for name in ARRAYS},
            whole={length: found[f"whole {length:g}"] for length in lengths},
        )  # fmt: skip
    except (OSError, KeyError, ValueError, IndexError, SafetensorError):
        return None


def moments_of(videos: Sequence[Watched], sense: str) -> Iterator[tuple[str, Rows, Floats]]:
    """(video, rows (n, 4), seconds (n,)) of one of the senses picture, sound and face."""
    for one in videos:
        yield one.digest, getattr(one, sense), one.heard if sense == "sound" else one.shown
