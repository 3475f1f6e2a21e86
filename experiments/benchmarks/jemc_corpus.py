"""A synthetic corpus of the size and shape of MSR-VTT, for timing the training of JEMC's heads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders import Rows
from spaces.joint import Ints, TrainingSet
from spaces.joint.vocabulary import TokenIds

ROLE, FEATURE_DIM = "resnet", 2048
FRAME_COUNT_RANGE = (20, 31)  # frames of a video: from, and below
CAPTIONS_PER_VIDEO = 20
VOCABULARY_SIZE = 10_000
MEAN_CAPTION_WORDS, CAPTION_WORDS_SD = 9.4, 4.1  # of the captions of MSR-VTT 1k-A
MIN_CAPTION_WORDS, MAX_CAPTION_WORDS = 3, 30
START_TOKEN, END_TOKEN, FIRST_WORD_TOKEN = 2, 3, 4  # as in spaces.joint.vocabulary; 0 is padding


@dataclass(frozen=True)
class SyntheticCorpus:
    """Captions of videos whose features (frames, 2048) lie in files, and their means (videos, 2048)."""

    folder: Path
    mean_features: Rows
    caption_tokens: TokenIds
    caption_videos: Ints

    def get_feature_path(self, video_index: int) -> Path:
        """The file of a video's features."""
        return self.folder / f"video{video_index}.npy"

    def make_training_set(self, caption_indices: Ints) -> TrainingSet:
        """These captions with all videos, in memory."""
        return TrainingSet(
            features={ROLE: self.mean_features},
            texts=self.caption_tokens[caption_indices],
            item_by_text=self.caption_videos[caption_indices],
        )


def write_corpus(folder: Path, video_count: int, seed: int) -> SyntheticCorpus:
    """Write feature files like the last layer of a ResNet (not negative), and draw captions.

    Words are drawn independently by Zipf's law, so that fewer captions share a prefix than in a real corpus.
    """
    rng = np.random.default_rng(seed)
    mean_features = np.empty((video_count, FEATURE_DIM), np.float32)
    for video in range(video_count):
        video_scale = rng.exponential(0.5, FEATURE_DIM)
        frame_count = int(rng.integers(*FRAME_COUNT_RANGE))
        rows = (video_scale * rng.exponential(1, (frame_count, FEATURE_DIM))).astype(np.float32)
        np.save(folder / f"video{video}.npy", rows)
        mean_features[video] = rows.mean(0)
    return SyntheticCorpus(
        folder,
        mean_features,
        draw_captions(video_count * CAPTIONS_PER_VIDEO, rng),
        np.repeat(np.arange(video_count), CAPTIONS_PER_VIDEO),
    )


def draw_captions(count: int, rng: np.random.Generator) -> TokenIds:
    """(count, longest) token ids from START_TOKEN to END_TOKEN, then 0, as `Vocabulary.encode` gives them."""
    shape = (MEAN_CAPTION_WORDS / CAPTION_WORDS_SD) ** 2
    drawn_lengths = np.rint(rng.gamma(shape, MEAN_CAPTION_WORDS / shape, count))
    lengths = np.clip(drawn_lengths, MIN_CAPTION_WORDS, MAX_CAPTION_WORDS).astype(np.int64)
    odds = 1 / np.arange(1, VOCABULARY_SIZE + 1)
    words = rng.choice(VOCABULARY_SIZE, (count, lengths.max() + 2), p=odds / odds.sum())
    tokens = FIRST_WORD_TOKEN + words
    tokens[:, 0] = START_TOKEN
    tokens[np.arange(count), lengths + 1] = END_TOKEN
    return np.where(np.arange(tokens.shape[1]) < lengths[:, None] + 2, tokens, 0)


def draw_caption_samples(caption_count: int, rounds: int, sample_size: int, seed: int) -> list[Ints]:
    """For every round `sample_size` caption indices, or all if there are fewer."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(caption_count)[:sample_size] for _ in range(rounds)]
