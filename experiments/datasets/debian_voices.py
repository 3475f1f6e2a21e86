"""Recorded speech, music and other sounds that come in Debian packages: prompts, dialogue, letters, tunes.

Other people, rooms, microphones and languages than the acted set has, to tell kinds of sound apart. Packages
are downloaded by apt-get and unpacked, not installed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from encoders.base import AffectError
from encoders.onnx_runtime import cache_dir

PATIENCE = 300  # seconds an answer may take
LONGER = 0.25  # the shortest quarter of a package's files is left out: single digits, clicks of a tongue


class Unreachable(AffectError):
    """A package can't be had here."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package and which of its files are taken.

    kind:   "speech", "music" or "other"
    tongue: the language spoken there (ISO 639-1), empty for no speech
    files:  pattern of paths in it
    count:  how many files are taken, evenly spaced
    """

    name: str
    kind: str
    licence: str
    files: str
    count: int
    tongue: str = ""

    @property
    def group(self) -> str:
        """What a split must not tear apart: a speaker's or a troupe's recordings."""
        return f"package {self.name} {self.tongue}".strip()


@dataclass(frozen=True)
class Recording:
    """A file of a package."""

    path: Path
    package: Package


def _prompts(name: str, tongue: str, licence: str, end: str = "g722", count: int = 80) -> Package:
    where = f"usr/share/asterisk/sounds/**/*.{end}"
    return Package(name=name, kind="speech", licence=licence, files=where, count=count, tongue=tongue)


def _letters(tongue: str) -> Package:
    where = f"usr/share/klettres/{tongue}/*/*.ogg"
    return Package(
        name="klettres-data", kind="speech", licence="GPL-2+", files=where, count=12, tongue=tongue
    )


def _dialogue(tongue: str) -> Package:
    where = f"usr/share/games/fillets-ng/sound/*/{tongue}/*.ogg"
    return Package(
        name=f"fillets-ng-data-{tongue}", kind="speech", licence="GPL-2+", files=where, count=160,
        tongue=tongue,
    )  # fmt: skip


PACKAGES = (
    _prompts("asterisk-core-sounds-en-g722", "en", "CC BY-SA 3.0"),
    _prompts("asterisk-core-sounds-es-g722", "es", "CC BY-SA 3.0"),
    _prompts("asterisk-core-sounds-fr-g722", "fr", "CC BY-SA 3.0"),
    _prompts("asterisk-core-sounds-it-g722", "it", "CC BY 3.0"),
    _prompts("asterisk-core-sounds-ru-g722", "ru", "CC BY 3.0"),
    _prompts("asterisk-prompt-it-menardi-wav", "it", "CC BY-SA 3.0", "wav", 60),
    _prompts("asterisk-prompt-fr-armelle", "fr", "GPL-2+", "gsm", 60),
    _prompts("asterisk-prompt-es-co", "es", "GPL-2+", "gsm", 60),
    _dialogue("cs"),
    _dialogue("nl"),
    *(_letters(tongue) for tongue in ("ar", "cs", "da", "de", "en", "es", "fr", "hu", "it", "ru", "uk")),
    Package(
        name="asterisk-moh-opsound-g722", kind="music", licence="CC BY-SA 2.5 and 3.0",
        files="usr/share/asterisk/moh/*.g722", count=5,
    ),
    Package(
        name="fillets-ng-data", kind="music", licence="GPL-2+",
        files="usr/share/games/fillets-ng/music/*.ogg", count=14,
    ),
    Package(
        name="colobot-common-sounds", kind="music", licence="GPL-3+",
        files="usr/share/games/colobot/music/*.ogg", count=14,
    ),
    Package(
        name="colobot-common-sounds", kind="other", licence="GPL-3+",
        files="usr/share/games/colobot/sounds/*.wav", count=60,
    ),
    Package(
        name="bucklespring-data", kind="other", licence="GPL-2+", files="usr/share/buckle/wav/*.wav", count=20
    ),
)  # fmt: skip
"""From Debian 12 (bookworm)."""


def gather(folder: Path | None = None, packages: Iterable[Package] = PACKAGES) -> list[Recording]:
    """What is taken of these packages, downloaded and unpacked below `folder` (in the cache) once.

    Raises Unreachable where a package can't be had, or holds no such file.
    """
    root = folder or cache_dir() / "packages"
    return [Recording(path, package) for package in packages for path in _taken(root, package)]


def _taken(root: Path, package: Package) -> Iterator[Path]:
    place = root / package.name
    if not place.exists():
        _fetch(package.name, place)
    found = sorted(place.glob(package.files), key=lambda path: (path.stat().st_size, path.name))
    if not found:
        raise Unreachable(f"{package.name}: no {package.files} there; is it of Debian 12?")
    longer = sorted(found[int(LONGER * len(found)) :])
    step = max(len(longer) / package.count, 1)
    yield from (longer[int(at * step)] for at in range(min(package.count, len(longer))))


def _fetch(name: str, place: Path) -> None:
    """Download a package and lay what it holds at `place`, all of it or nothing."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise Unreachable(f"{name}: {program} is not here; recordings come in Debian's packages")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as draft:
        _run(["apt-get", "download", name], draft, name)
        files = list(Path(draft).glob("*.deb"))
        if not files:
            raise Unreachable(f"{name}: apt-get downloaded nothing")
        _run(["dpkg-deb", "-x", str(files[0]), "laid"], draft, name)
        (Path(draft) / "laid").rename(place)


def _run(command: list[str], folder: str, name: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired as bad:
        raise Unreachable(f"{name}: {command[0]} took more than {PATIENCE} s") from bad
    except subprocess.CalledProcessError as bad:
        last = (bad.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unreachable(f"{name}: {last}; run apt-get update and try again") from bad
