"""Readers for decoding workers that do what broken files do to decoders."""

import os
import signal
import time

import numpy as np

from encoders.media import read_media


def reader(path, sampling, limits):
    """Reads like the real one, but for files named after a mishap."""
    pieces = read_media(path, sampling, limits)
    yield next(pieces)
    mishap = MISHAPS.get(path.stem.split("-")[0])
    if mishap:
        mishap()
    yield from pieces


def _hang():
    time.sleep(60)


def _hang_in_c():
    sum(range(10**13))  # one C loop that never gives the interpreter back


def _bomb():
    np.ones(1 << 40, np.uint8)


def _crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def _fail():
    raise KeyError("a bug in a plugin")


def _tell():
    raise KeyError(f"ORT_DISABLE_TELEMETRY={os.environ.get('ORT_DISABLE_TELEMETRY')}")


MISHAPS = {"hang": _hang, "spin": _hang_in_c, "bomb": _bomb, "crash": _crash, "fail": _fail, "tell": _tell}


def dies_of_sound(path, sampling, limits):
    """Crashes after the first segment unless told to leave the sound out."""
    yield from _unless_without(("sound",), path, sampling, limits)


def dies_of_pictures(path, sampling, limits):
    """Crashes after the first segment unless told to leave the pictures out."""
    yield from _unless_without(("pictures",), path, sampling, limits)


def dies_of_all(path, sampling, limits):
    """Crashes after the first segment whatever is left out."""
    yield from _unless_without((), path, sampling, limits)


def _unless_without(harmless, path, sampling, limits):
    for number, piece in enumerate(read_media(path, sampling, limits)):
        if number == 2 and sampling.skip_track not in harmless:
            _crash()
        yield piece
