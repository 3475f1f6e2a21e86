"""Proxy-guided attention of CLIP-ViP (Xue et al. 2023), as an attention function of transformers.

Tokens are M proxies, then the L patches of each of T frames. Proxies attend to all tokens, patches to the
proxies and to the patches of their own frame. Two attentions compute it, without a mask over all tokens: for
12 frames of 49 patches a tenth of the scores.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

PROXY_GUIDED = "proxy_guided"
"""Name of the attention function, for `set_attn_implementation`."""


def attend_proxy_guided(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None,
    scaling: float | None = None, dropout: float = 0.0, *, proxies: int, frames: int, **unused: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attention of (b, heads, M + T L, d) queries, keys and values: (b, M + T L, heads, d), and no weights.

    proxies, frames: M and T, passed on by the transformer's encoder
    attention_mask:  must be None: which token sees which follows from M and T

    Raises ValueError for a mask, or tokens that are not M + T L.
    """
    patch_count = query.shape[2] - proxies
    if attention_mask is not None or patch_count % frames or patch_count <= 0:
        raise ValueError(
            f"{query.shape[2]} tokens are not {proxies} proxies and {frames} frames without a mask"
        )

    def fold_frames(tokens: Tensor) -> Tensor:
        """Patches (b T, heads, L, d), frame by frame."""
        by_frame = tokens[:, :, proxies:].unflatten(2, (frames, patch_count // frames))
        return by_frame.transpose(1, 2).flatten(0, 1)

    def join_proxies(tokens: Tensor) -> Tensor:
        """Proxies and the patches of one frame (b T, heads, M + L, d)."""
        repeated = tokens[:, :, :proxies].repeat_interleave(frames, dim=0)
        return torch.cat([repeated, fold_frames(tokens)], dim=2)

    options: dict[str, Any] = {"dropout_p": dropout, "scale": scaling}
    of_proxies = scaled_dot_product_attention(query[:, :, :proxies], key, value, **options)
    of_patches = scaled_dot_product_attention(
        fold_frames(query), join_proxies(key), join_proxies(value), **options
    )
    unfolded = of_patches.unflatten(0, (len(query), frames)).transpose(1, 2).flatten(2, 3)
    return torch.cat([of_proxies, unfolded], dim=2).transpose(1, 2).contiguous(), None


def make_proxy_mask(proxies: int, frames: int, patches: int) -> Tensor:
    """(s, s) bool, s = proxies + frames * patches: whether the row's token attends to the column's.

    The definition of proxy-guided attention, for tests and for comparison with the dense way.
    """
    frame = torch.cat([torch.full((proxies,), -1), torch.arange(frames).repeat_interleave(patches)])
    is_proxy = frame == -1
    return is_proxy[:, None] | is_proxy[None] | (frame[:, None] == frame[None])


AttentionInterface.register(PROXY_GUIDED, attend_proxy_guided)
