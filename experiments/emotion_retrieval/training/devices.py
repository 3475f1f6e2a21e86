"""Where a model is trained, and in which precision."""

from __future__ import annotations

from typing import Literal

import torch

from encoders import AffectError

Precision = Literal["auto", "float32", "bfloat16"]


def select_device(name: str) -> str:
    """The device of this name; "auto" is the GPU where there is one. Raises AffectError if it is not here."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise AffectError(f"device {name}: {str(error).splitlines()[0]}") from error
    return name


def select_bfloat16(precision: Precision, device: str) -> bool:
    """Whether to compute in bfloat16: "auto" does on GPUs that have it, never on a CPU.

    Raises AffectError where it is asked for and the device has no instructions for it.
    """
    if precision == "float32" or (precision == "auto" and device == "cpu"):
        return False
    has_it = has_bfloat16(device)
    if precision == "bfloat16" and not has_it:
        raise AffectError(f"device {device} has no bfloat16 arithmetic; leave out --precision bfloat16")
    return has_it


def has_bfloat16(device: str) -> bool:
    """Whether a device computes in bfloat16: a GPU of 2020 or later, a CPU with AVX512-BF16 or AMX."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False
