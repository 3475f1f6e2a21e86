"""A user's own loss in the table, named as module:function, without a change of this repository."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from encoders import AffectError
from losses import LOSSES, LossEntry, PairLoss, make_same_item_mask

TRIAL_ITEMS = (0, 1, 2, 3, 3)  # of the batch that a loss is tried on: one has two captions


def get_loss_entry(name: str) -> LossEntry:
    """A loss of the registry, or a user's own where the name is module:function. Raises AffectError."""
    if ":" not in name:
        return LOSSES[name]
    return LossEntry(make=lambda: make_custom_loss(name), arguments={})


def check_custom_loss(name: str) -> None:
    """Raises AffectError where a loss can't be loaded, or does not return a number to be minimised."""
    loss = make_custom_loss(name)
    generator = torch.Generator().manual_seed(0)
    items = torch.tensor(TRIAL_ITEMS)
    similarity = torch.rand((len(items), len(items)), generator=generator).requires_grad_()
    value = loss(similarity, make_same_item_mask(items))
    if not value.requires_grad:
        raise AffectError(f"--loss {name}: its value does not depend on the similarities, or has no gradient")


def make_custom_loss(name: str) -> CheckedLoss:
    """The loss named as module:function, anew: a function, or what a class or a function without needed
    arguments makes. Raises AffectError."""
    target = _load_target(name)
    if _needs_no_arguments(target):
        target = _call(name, target)
    if not callable(target):
        raise AffectError(f"--loss {name}: not a function, or makes none")
    return CheckedLoss(name, target)


def hash_loss_source(name: str) -> str:
    """SHA-256 of the file that a loss is written in, so that trainings with another text are told apart."""
    file = inspect.getsourcefile(sys.modules[_load_target(name).__module__])
    return hashlib.sha256(Path(file).read_bytes() if file else name.encode()).hexdigest()


class CheckedLoss(nn.Module):
    """A loss whose faults are one line, and whose parameters, if it has some, are trained."""

    def __init__(self, name: str, loss: PairLoss) -> None:
        super().__init__()
        self._name, self.loss = name, loss

    def forward(
        self, similarity: Tensor, same_item: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor:
        """As `PairLoss`. Raises AffectError for anything but one finite number."""
        given = (similarity, same_item) if pairs is None else (similarity, same_item, pairs)
        value = _call(self._name, self.loss, *given)
        if not isinstance(value, Tensor) or value.ndim or not value.is_floating_point():
            found = f"{type(value).__name__}{tuple(value.shape) if isinstance(value, Tensor) else ''}"
            raise AffectError(f"--loss {self._name}: returned {found}, not a tensor with one number")
        if not bool(torch.isfinite(value)):
            raise AffectError(f"--loss {self._name}: returned {value.item()}")
        return value


def _load_target(name: str) -> Any:
    """The object named as module:function; modules are looked for in the working directory first."""
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise AffectError(f"--loss {name}: write it as module:function")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module_name.partition(".")[0]:
            raise AffectError(
                f"--loss {name}: no module {module_name}; write {module_name}.py in the working directory"
            ) from error
        raise AffectError(f"--loss {name}: {_describe(error)} (while importing {module_name})") from error
    try:
        return getattr(module, function_name)
    except AttributeError as error:
        raise AffectError(f"--loss {name}: no {function_name} in {module.__file__}") from error


def _needs_no_arguments(target: Any) -> bool:
    """Whether it can be called without arguments: a class or a function that makes the loss."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return False
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(one.default is not one.empty or one.kind in variadic for one in parameters)


def _call(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception as error:
        raise AffectError(f"--loss {name}: {_describe(error)}") from error


def _describe(error: Exception) -> str:
    """Kind, first line of the message, and the line of code that raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f", {Path(trace.tb_frame.f_code.co_filename).name} line {trace.tb_lineno}" if trace else ""
    message = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {message}{place}"
