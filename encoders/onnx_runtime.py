"""Inference of networks: onnxruntime on a CPU (5 to 7 times faster than eager torch), torch on a GPU.

A network is exported to ONNX once, compared with torch on an example, and cached under a key of weights and
code; after that neither torch nor the original weights are loaded again.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from encoders.files import get_cache_dir, is_cached, write_cached
from encoders.process_setup import COMPILER_CACHE_VARIABLE, UNUSED_CACHE_FOLDER

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[Any]
Network = Callable[..., tuple[Array, ...]]

log = logging.getLogger(__name__)

GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA's, AMD's and WSL's drivers
EXPORT_TOLERANCE = 1e-3  # largest difference between torch and onnxruntime, relative to the largest output


def load_network(
    key: str,
    build: Callable[[], torch.nn.Module],
    example_inputs: Sequence[Array],
    dynamic_axes: Sequence[dict[int, str]],
    threads: int = 0,
) -> Network:
    """Load or export a network: a callable from numpy arrays to a tuple of numpy arrays.

    key:      the cached file's name, different for other weights and other versions of the code
    build:    returns the torch module (only called on a GPU, or when the cache has no such network)
    example_inputs: one array per input, used for tracing and for the equality check; let dynamic axes be > 1
    dynamic_axes: per input, the axes that vary, by name ({0: "n"})
    threads:  of one call on a CPU; 0 is one per core, 1 is for callers that make several calls at once
    """
    if _is_gpu_available():
        with disable_compiler_cache():
            return _make_torch_network(build().eval().cuda())

    def export() -> bytes:
        log.info("preparing the network %s for this machine (once)", key.rsplit("-", 1)[0])
        with disable_compiler_cache():
            return _export_onnx(build().eval(), example_inputs, dynamic_axes, key)

    return load_converted_network(key, export, threads)


def load_converted_network(key: str, convert: Callable[[], bytes], threads: int = 0) -> Network:
    """Load a network of ONNX, converted once, on the CPU; arguments as `load_network`.

    convert: returns the content of an ONNX file (only called when the cache has no such network)
    """
    file = get_cache_dir() / f"{key}.onnx"
    if is_cached(file):
        return _make_onnx_network(str(file), threads)  # by name: its content would be in memory twice
    content = convert()
    write_cached(file, content)  # two processes may write at once: the last rename wins, both are complete
    return _make_onnx_network(content, threads)


def _is_gpu_available() -> bool:
    """Whether torch can use a GPU. Torch takes a second to import: only if a driver is there."""
    if not any(Path(device).exists() for device in GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def _make_onnx_network(model: bytes | str, threads: int = 0) -> Network:
    """A network from an ONNX file's content or name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take their core from the decoder processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(*arrays: Array) -> tuple[Array, ...]:
        return tuple(session.run(None, dict(zip(names, arrays, strict=True))))

    return run


def _make_torch_network(module: torch.nn.Module) -> Network:
    import torch

    device = next(module.parameters()).device

    def run(*arrays: Array) -> tuple[Array, ...]:
        with torch.inference_mode():
            out = module(*(torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in arrays))
        return tuple(t.cpu().numpy() for t in (out if isinstance(out, tuple) else (out,)))

    return run


def _export_onnx(
    module: torch.nn.Module,
    example_inputs: Sequence[Array],
    dynamic_axes: Sequence[dict[int, str]],
    name: str,
) -> bytes:
    """The module as an ONNX file's content. Raises RuntimeError if its outputs differ from torch's."""
    import io
    import warnings

    import torch

    tensors = tuple(torch.from_numpy(a) for a in example_inputs)
    axes = {name: torch.export.Dim(name) for shape in dynamic_axes for name in shape.values()}
    shapes = tuple({axis: axes[name] for axis, name in shape.items()} for shape in dynamic_axes)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(module, tensors, dynamo=True, dynamic_shapes=shapes, verbose=False)
    assert program is not None  # as it is with dynamo=True
    content: bytes = program.model_proto.SerializeToString()
    _check_equal(
        _make_torch_network(module)(*example_inputs), _make_onnx_network(content)(*example_inputs), name
    )
    return content


@contextlib.contextmanager
def disable_compiler_cache() -> Iterator[None]:
    """Keep torch's compiler, which is imported but not used, from making its cache folder in /tmp."""
    previous = os.environ.get(COMPILER_CACHE_VARIABLE)
    os.environ[COMPILER_CACHE_VARIABLE] = previous or UNUSED_CACHE_FOLDER
    try:
        yield
    finally:
        if previous is None:
            del os.environ[COMPILER_CACHE_VARIABLE]
        else:
            os.environ[COMPILER_CACHE_VARIABLE] = previous


def _check_equal(expected: Sequence[Array], actual: Sequence[Array], name: str) -> None:
    for left, right in zip(expected, actual, strict=True):
        difference = float(np.abs(left - right).max()) / max(float(np.abs(left).max()), 1e-6)
        if not difference <= EXPORT_TOLERANCE:
            raise RuntimeError(
                f"{name}: onnxruntime differs from torch by {difference:.2g} of the output's scale"
            )
