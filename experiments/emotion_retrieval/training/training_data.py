"""The videos that a model is trained on, and those held out to choose its best epoch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoders import AffectError, to_printable
from encoders.clipvip.encoder import load_tokenizer
from experiments.datasets.msrvtt import read_words
from experiments.emotion_retrieval.data.caption_queries import read_captions
from experiments.emotion_retrieval.data.video_frames import VideoFrames, read_videos
from experiments.emotion_retrieval.data.video_pairs import VideoPairs, make_video_pairs
from experiments.emotion_retrieval.training.training_options import TrainingOptions
from experiments.emotion_retrieval.training.video_text_model import VideoTextModel
from retrieval.evaluation import Evaluation, InnerProductSimilarity, evaluate
from spaces.joint import Schedule

MIN_VIDEOS = 2  # of a part: retrieval among one video is always right


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """Pairs to train on and pairs of other videos to choose by; None where none are held out.

    digest: of the records, the files of the videos and the choice of dev
    notes:  what has to be said of the data
    """

    train: VideoPairs
    dev: VideoPairs | None
    digest: str
    notes: tuple[str, ...] = ()

    def count_batches(self, schedule: Schedule) -> int:
        """Batches of all epochs."""
        items = self.train.video_ids if schedule.draw == "items" else self.train.item_by_text
        whole, rest = divmod(len(items), schedule.batch)
        return schedule.epochs * (whole + (rest > 1))

    def describe(self) -> dict[str, Any]:
        """Counts of each part, for a card."""
        parts = {"train": self.train, **({} if self.dev is None else {"dev": self.dev})}
        return {
            **{
                name: {
                    "videos": len(pairs.video_ids),
                    "captions": len(pairs.item_by_text),
                    "with emotion": int(pairs.has_emotion.sum()),
                }
                for name, pairs in parts.items()
            },
            "digest": self.digest,
            "notes": list(self.notes),
        }


def read_training_data(
    options: TrainingOptions, frame_cache: Path, *, skip_unreadable: bool = False,
    on_video: Callable[[int, int], None] = lambda done, total: None,
) -> TrainingData:  # fmt: skip
    """Read records, tokenizer, start of the models and videos; dev is held out by video.

    skip_unreadable: whether videos that are missing or can't be decoded are left out, which a note says

    Raises AffectError.
    """
    captions = read_captions(options.records)
    dev_ids = read_dev_ids(options.dev_ids, captions.video_ids) if options.dev_ids else ()
    tokenizer = load_tokenizer(options.clip)
    clip = options.make_model(options.models[0])
    videos = read_videos(
        captions.video_ids, options.videos, side=clip.video.image_size, cache_folder=frame_cache,
        on_video=on_video,
    )  # fmt: skip
    if not skip_unreadable:
        videos.require_all()
    captions = captions.select_videos(videos.by_video)
    pairs = make_video_pairs(
        videos.by_video, captions.texts, captions.video_ids,
        captions.order_emotions(clip.config.emotions.order), tokenizer=tokenizer,
        max_length=min(options.max_tokens, clip.text.text_model.config.max_position_embeddings),
        frame_count=clip.config.temporal_size,
        affect_by_video=None if options.affect is None else options.affect.by_video,
    )  # fmt: skip
    if options.dev_ids is None:
        train, dev = split_dev(pairs.video_ids, options.dev, options.seed)
    else:
        train, dev = split_by_ids(pairs.video_ids, dev_ids)
    return TrainingData(
        train=pairs.select_videos(train),
        dev=pairs.select_videos(dev) if dev else None,
        digest=hashlib.sha256(json.dumps([captions.digest, videos.digest, dev]).encode()).hexdigest(),
        notes=list_notes(videos),
    )


def list_notes(videos: VideoFrames) -> tuple[str, ...]:
    """What has to be said of videos that were left out."""
    if not videos.unreadable:
        return ()
    return (f"{len(videos.unreadable)} videos could not be read and are left out",)


def split_dev(video_ids: Sequence[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """(train, dev) ids: `share` of the videos drawn for dev, two at least; none for a share of 0.

    Raises AffectError where less than two videos are left to train on.
    """
    count = max(MIN_VIDEOS, round(share * len(video_ids))) if share else 0
    if len(video_ids) - count < MIN_VIDEOS:
        raise AffectError(f"{len(video_ids)} videos are too few to train on with {count} held out for dev")
    drawn = np.random.default_rng(seed).permutation(len(video_ids))[:count]
    dev = set(drawn.tolist())
    return (
        [video for number, video in enumerate(video_ids) if number not in dev],
        [video_ids[number] for number in sorted(dev)],
    )


def read_dev_ids(path: Path, known_ids: Collection[str]) -> tuple[str, ...]:
    """The ids in a file, one a line. Raises AffectError for an id that no record has."""
    ids = read_words(path)
    if unknown := [video for video in ids if video not in set(known_ids)]:
        raise AffectError(
            f"{to_printable(path)}: {len(unknown)} of {len(ids)} ids are of no video in the records: the "
            f"first is {to_printable(unknown[0])}"
        )
    return ids


def split_by_ids(video_ids: Sequence[str], dev_ids: Collection[str]) -> tuple[list[str], list[str]]:
    """(train, dev) ids. Raises AffectError where one of them has less than two videos."""
    train = [video for video in video_ids if video not in dev_ids]
    dev = [video for video in video_ids if video in dev_ids]
    if min(len(train), len(dev)) < MIN_VIDEOS:
        raise AffectError(f"{len(train)} videos to train on and {len(dev)} for dev: two are needed for each")
    return train, dev


def evaluate_pairs(model: VideoTextModel, pairs: VideoPairs) -> Evaluation:
    """Both directions of retrieval by the project's own rules."""
    texts, videos = model.encode(pairs)
    owners = [pairs.video_ids[video] for video in pairs.item_by_text]
    return evaluate(InnerProductSimilarity(texts, videos), owners, pairs.video_ids)
