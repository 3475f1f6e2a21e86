"""How networks run: onnxruntime on a CPU (5 to 7 times faster than eager torch here), torch on a GPU.

A network is exported to ONNX once, checked equal to torch on its example, and cached by what made it;
after that neither torch nor the original weights are read again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[Any]
Network = Callable[..., tuple[Array, ...]]

log = logging.getLogger(__name__)

GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA's, AMD's and WSL's drivers
TOLERANCE = 1e-3  # largest difference between torch and onnxruntime, relative to the output's own scale


def cache_dir() -> Path:
    """Where exported networks live: $AFFECT_CACHE, else the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("AFFECT_CACHE") or user_cache_dir("affect-fusion"))


def sha256(*files: Path) -> str:
    """Hex digest over the files' contents, in order; a file's own is remembered while it is unchanged."""
    return hashlib.sha256("".join(_digest(file) for file in files).encode()).hexdigest()


def _digest(file: Path) -> str:
    stat = file.stat()
    known = f"{file.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    note = cache_dir() / "digests" / hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()
    if note.exists():
        return note.read_text()
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    write_whole(note, digest.encode())
    return digest


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees part of it (a draft beside it, then a rename)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        draft = Path(folder) / file.name
        draft.write_bytes(content)
        _settle(draft, file)


def _settle(draft: Path, file: Path) -> None:
    """Put a draft in its place once it is on the disk: a power cut leaves all of it or nothing."""
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    draft.replace(file)


def network(
    key: str,
    build: Callable[[], torch.nn.Module],
    example: Sequence[Array],
    dynamic: Sequence[dict[int, str]],
    threads: int = 0,
) -> Network:
    """A callable from numpy arrays to a tuple of numpy arrays.

    key:      names the weights and the version of the code around them; the cached file's name
    build:    makes the torch module (only called on a GPU, or when the cache has no such network)
    example:  one array per input, used for tracing and for the equality check; let dynamic axes be > 1
    dynamic:  per input, the axes that vary, by name ({0: "n"})
    threads:  of one call on a CPU; 0 is one a core, 1 is for callers that make several calls at once
    """
    if _gpu():
        return _torch(build().eval().cuda())
    file = cache_dir() / f"{key}.onnx"
    if file.exists():
        return _onnx(file, threads)
    log.info("preparing the network %s for this machine (once)", key.rsplit("-", 1)[0])
    module = build().eval()
    _export(module, example, dynamic, file)
    return _onnx(file, threads)


def _gpu() -> bool:
    """Whether torch can use a GPU. Torch, which takes a second to import, is asked only where one may be."""
    if not any(Path(device).exists() for device in GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def _onnx(file: Path, threads: int = 0) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take their core from the decoder processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(*arrays: Array) -> tuple[Array, ...]:
        return tuple(session.run(None, dict(zip(names, arrays, strict=True))))

    return run


def _torch(module: torch.nn.Module) -> Network:
    import torch

    device = next(module.parameters()).device

    def run(*arrays: Array) -> tuple[Array, ...]:
        with torch.inference_mode():
            out = module(*(torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in arrays))
        return tuple(t.cpu().numpy() for t in (out if isinstance(out, tuple) else (out,)))

    return run


def _export(
    module: torch.nn.Module, example: Sequence[Array], dynamic: Sequence[dict[int, str]], file: Path
) -> None:
    import contextlib
    import io
    import warnings

    import torch

    file.parent.mkdir(parents=True, exist_ok=True)
    tensors = tuple(torch.from_numpy(a) for a in example)
    axes = {name: torch.export.Dim(name) for shape in dynamic for name in shape.values()}
    shapes = tuple({axis: axes[name] for axis, name in shape.items()} for shape in dynamic)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        draft = Path(folder) / "network.onnx"
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                tensors,
                str(draft),
                dynamo=True,
                dynamic_shapes=shapes,
                external_data=False,
                verbose=False,
            )
        _check_equal(_torch(module)(*example), _onnx(draft)(*example), file.stem)
        _settle(draft, file)  # two processes may export at once: the last rename wins, both are whole


def _check_equal(wanted: Sequence[Array], got: Sequence[Array], name: str) -> None:
    for left, right in zip(wanted, got, strict=True):
        worst = float(np.abs(left - right).max()) / max(float(np.abs(left).max()), 1e-6)
        if not worst <= TOLERANCE:
            raise RuntimeError(f"{name}: onnxruntime differs from torch by {worst:.2g} of the output's scale")
