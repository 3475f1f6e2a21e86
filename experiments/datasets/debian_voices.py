"""Recordings of speech, music and other sounds in Debian packages: prompts, dialogue, letters, tunes.

They add speakers, rooms, microphones and languages that RAVDESS lacks, to classify kinds of sound. Packages
are downloaded by apt-get and unpacked, not installed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from encoders import AffectError, get_cache_dir

TIMEOUT_SECONDS = 300  # of one apt-get or dpkg-deb command
SKIPPED_SHORTEST_SHARE = 0.25  # of a package's files, left out: single digits, clicks of a tongue


class PackageUnavailable(AffectError):
    """A package can't be downloaded, or lacks the files named here."""


@dataclass(frozen=True, kw_only=True)
class DebianPackage:
    """A package and which of its files are used.

    kind:     "speech", "music" or "other"
    pattern:  glob pattern of the files in it
    max_files: most files used, evenly spaced
    language: of the speech (ISO 639-1), empty for no speech
    """

    name: str
    kind: str
    licence: str
    pattern: str
    max_files: int
    language: str = ""

    @property
    def group(self) -> str:
        """The group that a split keeps whole: the recordings of a speaker or of a troupe."""
        return f"package {self.name} {self.language}".strip()


@dataclass(frozen=True)
class Recording:
    """A file of a package."""

    path: Path
    package: DebianPackage


def _make_prompt_package(
    name: str, language: str, licence: str, suffix: str = "g722", max_files: int = 80
) -> DebianPackage:
    pattern = f"usr/share/asterisk/sounds/**/*.{suffix}"
    return DebianPackage(
        name=name, kind="speech", licence=licence, pattern=pattern, max_files=max_files, language=language
    )


def _make_letter_package(language: str) -> DebianPackage:
    pattern = f"usr/share/klettres/{language}/*/*.ogg"
    return DebianPackage(
        name="klettres-data",
        kind="speech",
        licence="GPL-2+",
        pattern=pattern,
        max_files=12,
        language=language,
    )


def _make_dialogue_package(language: str) -> DebianPackage:
    pattern = f"usr/share/games/fillets-ng/sound/*/{language}/*.ogg"
    return DebianPackage(
        name=f"fillets-ng-data-{language}", kind="speech", licence="GPL-2+", pattern=pattern, max_files=160,
        language=language,
    )  # fmt: skip


PACKAGES = (
    _make_prompt_package("asterisk-core-sounds-en-g722", "en", "CC BY-SA 3.0"),
    _make_prompt_package("asterisk-core-sounds-es-g722", "es", "CC BY-SA 3.0"),
    _make_prompt_package("asterisk-core-sounds-fr-g722", "fr", "CC BY-SA 3.0"),
    _make_prompt_package("asterisk-core-sounds-it-g722", "it", "CC BY 3.0"),
    _make_prompt_package("asterisk-core-sounds-ru-g722", "ru", "CC BY 3.0"),
    _make_prompt_package("asterisk-prompt-it-menardi-wav", "it", "CC BY-SA 3.0", "wav", 60),
    _make_prompt_package("asterisk-prompt-fr-armelle", "fr", "GPL-2+", "gsm", 60),
    _make_prompt_package("asterisk-prompt-es-co", "es", "GPL-2+", "gsm", 60),
    _make_dialogue_package("cs"),
    _make_dialogue_package("nl"),
    *(
        _make_letter_package(language)
        for language in ("ar", "cs", "da", "de", "en", "es", "fr", "hu", "it", "ru", "uk")
    ),
    DebianPackage(
        name="asterisk-moh-opsound-g722",
        kind="music",
        licence="CC BY-SA 2.5 and 3.0",
        pattern="usr/share/asterisk/moh/*.g722",
        max_files=5,
    ),
    DebianPackage(
        name="fillets-ng-data",
        kind="music",
        licence="GPL-2+",
        pattern="usr/share/games/fillets-ng/music/*.ogg",
        max_files=14,
    ),
    DebianPackage(
        name="colobot-common-sounds",
        kind="music",
        licence="GPL-3+",
        pattern="usr/share/games/colobot/music/*.ogg",
        max_files=14,
    ),
    DebianPackage(
        name="colobot-common-sounds",
        kind="other",
        licence="GPL-3+",
        pattern="usr/share/games/colobot/sounds/*.wav",
        max_files=60,
    ),
    DebianPackage(
        name="bucklespring-data",
        kind="other",
        licence="GPL-2+",
        pattern="usr/share/buckle/wav/*.wav",
        max_files=20,
    ),
)
"""Of Debian 12 (bookworm)."""


def fetch_recordings(
    folder: Path | None = None, packages: Iterable[DebianPackage] = PACKAGES
) -> list[Recording]:
    """The used files of packages, downloaded and unpacked once below `folder` (by default in the cache).

    Raises PackageUnavailable.
    """
    root = folder or get_cache_dir() / "packages"
    return [Recording(path, package) for package in packages for path in _select_files(root, package)]


def _select_files(root: Path, package: DebianPackage) -> Iterator[Path]:
    folder = root / package.name
    if not folder.exists():
        _download_package(package.name, folder)
    by_size = sorted(folder.glob(package.pattern), key=lambda path: (path.stat().st_size, path.name))
    if not by_size:
        raise PackageUnavailable(f"{package.name}: no {package.pattern} there; is it of Debian 12?")
    paths = sorted(by_size[int(SKIPPED_SHORTEST_SHARE * len(by_size)) :])
    step = max(len(paths) / package.max_files, 1)
    yield from (paths[int(i * step)] for i in range(min(package.max_files, len(paths))))


def _download_package(name: str, folder: Path) -> None:
    """Download a package and unpack it into `folder`, all of it or nothing."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise PackageUnavailable(f"{name}: {program} is not here; recordings come in Debian's packages")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        _run_command(["apt-get", "download", name], draft, name)
        files = list(Path(draft).glob("*.deb"))
        if not files:
            raise PackageUnavailable(f"{name}: apt-get downloaded nothing")
        _run_command(["dpkg-deb", "-x", str(files[0]), "laid"], draft, name)
        (Path(draft) / "laid").rename(folder)


def _run_command(command: list[str], folder: str, package_name: str) -> None:
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as bad:
        raise PackageUnavailable(f"{package_name}: {command[0]} took more than {TIMEOUT_SECONDS} s") from bad
    except subprocess.CalledProcessError as bad:
        reason = (bad.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PackageUnavailable(f"{package_name}: {reason}; run apt-get update and try again") from bad
