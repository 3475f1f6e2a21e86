"""Videos with texts and emotions as a training set of CLIP-ViP: frames, token ids, emotions, affect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders import AffectError, Frames, Rows, to_printable
from encoders.clipvip.encoder import tokenize
from encoders.clipvip.frame_sampling import sample_jittered, sample_uniform

Ints = npt.NDArray[np.int64]

JITTER_SEEDS = 2**31  # seeds of a batch's jitter are drawn below it


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoPairs:
    """Videos and texts, as `Trainer` takes them.

    frames:       of each video (n, side, side, 3) uint8, which may be memory-mapped
    token_ids, token_mask: (texts, length), the mask 1 for tokens and 0 for padding
    emotions:     (texts, emotions) counts or weights in the order of the model's configuration
    item_by_text: (texts,) the video of each text
    affect:       (videos, d), NaN where missing; None for none
    frame_count:  frames of a video that are looked at
    """

    video_ids: tuple[str, ...]
    frames: tuple[Frames, ...]
    token_ids: Ints
    token_mask: Ints
    emotions: Rows
    item_by_text: Ints
    affect: Rows | None = None
    frame_count: int = 12

    @property
    def usable_texts(self) -> Ints:
        """All texts."""
        return np.arange(len(self.item_by_text))

    @property
    def has_emotion(self) -> npt.NDArray[np.bool_]:
        """(texts,) whether a text carries an emotion."""
        return np.asarray(self.emotions.any(axis=1))

    def make_batch(self, text_indices: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The pairs of these texts (n,), the frames of each video with the jitter of training."""
        texts = text_indices.numpy()
        videos = self.item_by_text[texts]
        seed = int(torch.randint(JITTER_SEEDS, (), generator=generator))
        rng = np.random.default_rng(seed)
        chosen = [sample_jittered(len(self.frames[video]), rng, self.frame_count) for video in videos]
        return {
            **self.select_text_tensors(texts),
            **self._stack_videos(videos, chosen),
            "same_item": torch.from_numpy(videos[:, None] == videos[None]),
        }

    def select_text_tensors(self, texts: Ints) -> dict[str, Tensor]:
        """token_ids and token_mask (n, longest), and emotions of these texts (n,)."""
        mask = self.token_mask[texts]
        length = int(mask.sum(axis=1).max(initial=1))
        return {
            "token_ids": torch.from_numpy(self.token_ids[texts][:, :length]),
            "token_mask": torch.from_numpy(mask[:, :length]),
            "emotions": torch.from_numpy(self.emotions[texts]),
        }

    def select_video_tensors(self, videos: Ints) -> dict[str, Tensor]:
        """frames (n, T, side, side, 3) of these videos (n,) by the uniform rule, and their affect."""
        chosen = [sample_uniform(len(self.frames[video]), self.frame_count) for video in videos]
        return self._stack_videos(videos, chosen)

    def select_texts(self, texts: Ints) -> VideoPairs:
        """The same videos with some of the texts."""
        return replace(
            self, token_ids=self.token_ids[texts], token_mask=self.token_mask[texts],
            emotions=self.emotions[texts], item_by_text=self.item_by_text[texts],
        )  # fmt: skip

    def select_videos(self, video_ids: Sequence[str]) -> VideoPairs:
        """Some of the videos, in the order given, with their texts. Raises KeyError for an unknown one."""
        number_by_id = {video: number for number, video in enumerate(self.video_ids)}
        chosen = np.array([number_by_id[video] for video in video_ids], np.int64)
        new_number = np.full(len(self.video_ids), -1)
        new_number[chosen] = np.arange(len(chosen))
        part = self.select_texts(np.flatnonzero(new_number[self.item_by_text] >= 0))
        return replace(
            part, video_ids=tuple(video_ids), frames=tuple(self.frames[number] for number in chosen),
            item_by_text=new_number[part.item_by_text],
            affect=None if self.affect is None else self.affect[chosen],
        )  # fmt: skip

    def _stack_videos(self, videos: Ints, chosen: Sequence[Ints]) -> dict[str, Tensor]:
        stacked = np.stack([self.frames[video][rows] for video, rows in zip(videos, chosen, strict=True)])
        tensors = {"frames": torch.from_numpy(stacked)}
        if self.affect is not None:
            tensors["affect"] = torch.from_numpy(self.affect[videos])
        return tensors


def make_video_pairs(
    frames_by_video: Mapping[str, Frames],
    texts: Sequence[str],
    text_videos: Sequence[str],
    emotions: Rows,
    *,
    tokenizer: Any,
    max_length: int,
    affect_by_video: Mapping[str, Rows] | None = None,
    frame_count: int = 12,
) -> VideoPairs:
    """The pairs of texts (n,) with the videos they belong to (n,) and their emotions (n, emotions).

    tokenizer:  CLIP's, see `encoders.clipvip.encoder.load_tokenizer`
    max_length: tokens of a text that are read; how many texts are cut is logged
    affect_by_video: (d,) rows; a video without one is missing

    Raises AffectError for a blank text, or one of a video without frames.
    """
    blank = [video for text, video in zip(texts, text_videos, strict=True) if not text.strip()]
    if blank:
        raise AffectError(f"{len(blank)} captions are empty: the first is of {to_printable(blank[0])}")
    if lacking := [video for video in text_videos if not len(frames_by_video.get(video, ()))]:
        raise AffectError(f"{len(lacking)} captions are of videos without frames: {to_printable(lacking[0])}")
    if not texts:
        raise AffectError("no captions")
    video_ids = tuple(dict.fromkeys(text_videos))
    number_by_id = {video: number for number, video in enumerate(video_ids)}
    token_ids, token_mask = tokenize(tokenizer, texts, max_length)
    return VideoPairs(
        video_ids=video_ids,
        frames=tuple(frames_by_video[video] for video in video_ids),
        token_ids=token_ids,
        token_mask=token_mask,
        emotions=np.asarray(emotions, np.float32),
        item_by_text=np.array([number_by_id[video] for video in text_videos], np.int64),
        affect=_stack_affect(affect_by_video, video_ids),
        frame_count=frame_count,
    )


def _stack_affect(affect_by_video: Mapping[str, Rows] | None, video_ids: Sequence[str]) -> Rows | None:
    """(videos, d), NaN where a video has none."""
    if affect_by_video is None:
        return None
    dim = len(next(iter(affect_by_video.values())))
    missing = np.full(dim, np.nan, np.float32)
    return np.stack([np.asarray(affect_by_video.get(video, missing), np.float32) for video in video_ids])
