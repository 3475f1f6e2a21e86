"""Networks of TensorFlow Lite, read by LiteRT's interpreter."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
TfliteNetwork = Callable[[Floats], tuple[Floats, ...]]

THREADS = 2  # of one call: one takes 1.9 times as long; the networks are too small for many
NATIVE_INFO_PREFIX = b"INFO: "
STDERR = 2  # its file descriptor
_STDERR_LOCK = threading.Lock()  # of one process there is one


def load_tflite_network(path: Path) -> TfliteNetwork:
    """A network from one input (...) to its outputs, without the axis of batches, which is 1 in the file.

    Calls wait for each other: an interpreter has one set of tensors.
    """
    from ai_edge_litert.interpreter import Interpreter

    with hide_native_infos():
        interpreter = Interpreter(str(path), num_threads=THREADS)
        interpreter.allocate_tensors()
    (input_tensor,) = (tensor["index"] for tensor in interpreter.get_input_details())
    output_tensors = [tensor["index"] for tensor in interpreter.get_output_details()]
    lock = threading.Lock()

    def run(values: Floats) -> tuple[Floats, ...]:
        with lock:
            interpreter.set_tensor(input_tensor, values[None])
            interpreter.invoke()
            return tuple(interpreter.get_tensor(index)[0] for index in output_tensors)

    return run


@contextmanager
def hide_native_infos() -> Iterator[None]:
    """Leave out lines that native code writes to standard error and begins with "INFO: "; others are kept.

    LiteRT names its delegate there, and nothing in Python turns that off. Without a standard error nothing
    is done: its descriptor may be another file's.
    """
    if sys.stderr is None or sys.__stderr__ is None:
        yield
        return
    with _STDERR_LOCK, ExitStack() as at_end:
        with suppress(OSError):  # no place for a temporary file: the lines do no harm
            at_end.enter_context(_hold_stderr())
        yield


@contextmanager
def _hold_stderr() -> Iterator[None]:
    """Hold back what is written to standard error, and write it in the end, without infos."""
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        original = os.dup(STDERR)
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(original, STDERR)
            os.close(original)
            held.seek(0)
            kept = b"".join(line for line in held if not line.startswith(NATIVE_INFO_PREFIX))
            with suppress(OSError):  # nobody reads it, or its disk is full
                os.write(STDERR, kept)
