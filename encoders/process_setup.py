"""Setup of a process before other libraries are imported: no telemetry; for commands, signals and streams.

`encoders` calls `disable_telemetry` when it is imported, so that it holds in every process of this project:
commands, decoding workers, tests, and programs that use it as a library. `set_up_command` is for processes
that are ours alone.
"""

from __future__ import annotations

import codecs
import io
import logging
import os
import sys
from pathlib import Path
from typing import Any

from encoders.interrupts import exit_on_signals

# By library. onnxruntime reads its variable when it is imported, huggingface_hub and transformers likewise.
TELEMETRY_OPT_OUTS = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "DO_NOT_TRACK": "1",
    "OTEL_SDK_DISABLED": "true",  # FastAPI reports requests where the environment names a collector
    "FASTAPI_OTEL_AUTO_CONFIGURE": "false",
}
COMPILER_CACHE_VARIABLE, UNUSED_CACHE_FOLDER = "TORCHINDUCTOR_CACHE_DIR", str(Path(__file__).parent)
"""torch creates this folder when it imports its compiler, unless it exists."""
TRACKER_FILTER = "ignore::UserWarning:multiprocessing.resource_tracker"
"""For the process that multiprocessing starts to release semaphores: it would warn of those left by a command
that was stopped, after the command's last line."""
ASCII_REPLACEMENTS = {"█": "#", "░": ".", "·": "-", "…": "...", "±": "+-", "–": "-", "’": "'"}
ERROR_HANDLER_NAME, ASCII_CODEC_NAME = "affect-plain", "affect-ascii"


def disable_telemetry() -> None:
    """Turn off the telemetry of every library, as far as each allows.

    If onnxruntime is imported already its telemetry has started; then its API stops further events.
    """
    os.environ.update(TELEMETRY_OPT_OUTS)
    if "onnxruntime" in sys.modules:
        import onnxruntime

        onnxruntime.disable_telemetry_events()


def set_up_command(name: str, interrupt_message: str) -> None:
    """Set up a process that runs one command, before it imports anything large.

    name:              of the command, written before the message
    interrupt_message: line that is written on Ctrl-C
    """
    exit_on_signals(f"{name}: {interrupt_message}\n")
    os.environ["HF_HUB_OFFLINE"] = "1"  # models are read from this machine only, see encoders.hub.weights
    os.environ.setdefault(COMPILER_CACHE_VARIABLE, UNUSED_CACHE_FOLDER)
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), TRACKER_FILTER]))
    os.environ.setdefault("MPLCONFIGDIR", str(_get_matplotlib_folder()))
    # otherwise it writes several lines about a cache that can't be written
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    codecs.register_error(ERROR_HANDLER_NAME, _replace_with_ascii)
    codecs.register(_find_ascii_codec)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            _replace_unencodable_text(stream)
    if sys.stderr is None:  # a shell closed it: 2>&-
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (as long as the process)
    elif isinstance(sys.__stderr__, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        sys.stderr = _drop_unwritable_text(sys.__stderr__)


class _DroppingFile(io.FileIO):
    """A file that takes as written what cannot be written: its disk is full, or nobody reads the pipe."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _drop_unwritable_text(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """A stream to the same descriptor that raises nothing where that cannot be written.

    For standard error, whose messages must not cost the work that they are about.
    """
    stream.flush()
    buffer = io.BufferedWriter(_DroppingFile(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=True)


def _get_matplotlib_folder() -> Path:
    """Folder of matplotlib's list of fonts, inside our cache."""
    from encoders.files import get_cache_dir

    return get_cache_dir() / "matplotlib"


def _replace_unencodable_text(stream: io.TextIOWrapper) -> None:
    """Make a stream replace what its encoding lacks. ASCII gets another name: click writes UTF-8 to it."""
    is_ascii = codecs.lookup(stream.encoding).name == "ascii"
    stream.reconfigure(encoding=ASCII_CODEC_NAME if is_ascii else None, errors=ERROR_HANDLER_NAME)


def _replace_with_ascii(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: the nearest ASCII where there is one, else \\xNN, \\uNNNN or \\UNNNNNNNN."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    replacements = (
        ASCII_REPLACEMENTS.get(char) or char.encode("ascii", "backslashreplace").decode() for char in text
    )
    return "".join(replacements), error.end


def _find_ascii_codec(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != ASCII_CODEC_NAME:
        return None
    ascii_codec = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_codec.encode, ascii_codec.decode, ascii_codec.streamreader, ascii_codec.streamwriter,
        ascii_codec.incrementalencoder, ascii_codec.incrementaldecoder, name=ASCII_CODEC_NAME,
    )  # fmt: skip
