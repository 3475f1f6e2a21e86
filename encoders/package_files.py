"""Files of packages that serve for their weights alone and are never imported."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from encoders.base import MissingBackendError
from encoders.files import hash_file


def find_package_files(
    encoder: str, package: str, sha256_by_file: Mapping[str, str], command: str
) -> tuple[Path, ...]:
    """Paths of files of an installed package, by names relative to where packages lie, in that order.

    sha256_by_file: hexadecimal; empty where the content does not matter
    command:        installs the package

    Raises MissingBackendError without the package, without a file, or if a file has another content.
    """
    try:
        installed = distribution(package)
    except PackageNotFoundError as error:
        raise MissingBackendError(
            f"encoder {encoder!r} needs the package {package!r}; {command}", command=command
        ) from error
    paths = []
    for name, digest in sha256_by_file.items():
        path = Path(str(installed.locate_file(name)))
        if not path.is_file() or digest not in ("", hash_file(path)):
            raise MissingBackendError(
                f"encoder {encoder!r}: {package} {installed.version} lacks the known {name}; {command}",
                command=command,
            )
        paths.append(path)
    return tuple(paths)
