"""Location of the weights of optional encoders on this machine. Nothing is ever downloaded.

For an encoder registered as NAME, in this order:
1. $AFFECT_MODELS/NAME (a folder, transformers' layout) or $AFFECT_MODELS/NAME.pth (a checkpoint file);
   without the variable, the folder `models` of `encoders.files.get_cache_dir()` instead
2. the cache of the library the weights come from: the Hugging Face cache, or torch hub's checkpoints
3. else MissingBackendError, with the command that fetches them on a machine that has a network
"""

from __future__ import annotations

import os
import pickle
import shlex
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from encoders.base import MissingBackendError
from encoders.files import get_cache_dir

if TYPE_CHECKING:
    import torch

CONFIG_FILE = "config.json"
WEIGHTS_FILES = ("model.safetensors", "pytorch_model.bin")  # in the order transformers prefers them


def get_models_dir() -> Path:
    """Folder of weights that the user provides: $AFFECT_MODELS, else `models` in the cache."""
    folder = os.environ.get("AFFECT_MODELS")
    return Path(folder) if folder else get_cache_dir() / "models"


def find_checkpoint(name: str, url: str) -> Path:
    """The checkpoint of encoder `name`, published at `url`. Raises MissingBackendError if it is missing."""
    expected_path = get_models_dir() / f"{name}.pth"
    for file in (expected_path, get_torch_checkpoints_dir() / Path(urlparse(url).path).name):
        if file.is_file():
            return file
    raise MissingBackendError(
        f"encoder {name!r} needs weights that are not on this machine. Where there is a network, run "
        f"'curl -L --create-dirs -o {expected_path.name} {url}' and put the file at {expected_path} "
        "(or set AFFECT_MODELS to the folder that holds it)",
        missing="weights",
        command=f"curl -L --create-dirs -o {shlex.quote(str(expected_path))} {url}",
    )


def find_model_folder(name: str, repo: str) -> Path:
    """The folder with the transformers model `repo`. Raises MissingBackendError if it is missing."""
    expected_path = get_models_dir() / name
    for folder in (expected_path, _find_in_hub_cache(repo)):
        if folder is not None and find_model_weights(folder) and (folder / CONFIG_FILE).is_file():
            return folder
    command = f'hf download {repo} --exclude "*.h5" --exclude "*.msgpack" --local-dir'
    raise MissingBackendError(
        f"encoder {name!r} needs the model {repo}, which is not on this machine. Where there is a network, "
        f"run '{command} {name}' (huggingface-cli in older versions) and put the folder at {expected_path} "
        "(or set AFFECT_MODELS to the folder that holds it)",
        missing="weights",
        command=f"{command} {shlex.quote(str(expected_path))}",
    )


def find_model_weights(folder: Path) -> Path | None:
    """The weights file inside a model folder, None if it has none."""
    return next((folder / name for name in WEIGHTS_FILES if (folder / name).is_file()), None)


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, without pytorchvideo's wrapper; code in it is never run.

    Raises MissingBackendError when the file is not a checkpoint (a download cut short, an error page).
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise MissingBackendError(
            f"{path} is not a readable checkpoint, fetch it again: {error}", missing="weights"
        ) from error
    return dict(state.get("model_state", state))


def get_torch_checkpoints_dir() -> Path:
    """The folder `checkpoints` in torch.hub.get_dir(), without importing torch."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"))
    home = Path(os.environ.get("TORCH_HOME", cache / "torch"))
    # as torch does it, and unlike Path.expanduser, which raises RuntimeError for a user without a home
    return Path(os.path.expanduser(home)) / "hub" / "checkpoints"  # noqa: PTH111


def _find_in_hub_cache(repo: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, local_files_only=True))
    except (LocalEntryNotFoundError, RuntimeError):  # RuntimeError: this user has no home
        return None
