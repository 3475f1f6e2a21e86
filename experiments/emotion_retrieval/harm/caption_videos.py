"""Videos represented by their captions, where their pictures are not at hand.

Half of a video's captions are held back; latent semantic analysis of them (Deerwester et al. 1990) stands in
for the features of its pictures, and the shares of emotions they name for its affect. The other half are the
texts. What a text tower does to retrieval can so be measured on MSVD's captions alone; what a video tower
sees can't.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders import AffectError, Rows
from encoders.clipvip.config import EmotionConfig
from encoders.clipvip.encoder import count_emotions
from experiments.datasets import CaptionDataset, DatasetItem
from spaces.joint import Vocabulary
from spaces.joint.vocabulary import TokenIds

Ints = npt.NDArray[np.int64]

MAX_FEATURE_DIM = 128
MAX_WORDS = 30  # words of a caption that are read
TEST_QUERIES = 5  # captions of each test video that are queries
TEST_SPLIT = "test"  # the others are trained on


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptionVideos:
    """Videos and texts, as `Trainer` takes them.

    features: (videos, d) of the captions held back, standardised on the training videos
    affect:   (videos, 8) mean number of words that name each emotion in a caption held back
    token_ids: (texts, length) of the texts, 0 after the end
    emotions: (texts, 8) counts of words that name each emotion in the text
    item_by_text: (texts,) the video of each text
    """

    video_ids: tuple[str, ...]
    features: Rows
    affect: Rows
    token_ids: TokenIds
    emotions: Rows
    item_by_text: Ints

    @property
    def usable_texts(self) -> Ints:
        """All texts."""
        return np.arange(len(self.item_by_text))

    @property
    def has_emotion(self) -> npt.NDArray[np.bool_]:
        """(texts,) whether a text names an emotion."""
        return np.asarray(self.emotions.any(axis=1))

    def make_batch(self, text_indices: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The pairs of these texts (n,); nothing is drawn."""
        texts = text_indices.numpy()
        videos = self.item_by_text[texts]
        return {
            "features": torch.from_numpy(self.features[videos]),
            "affect": torch.from_numpy(self.affect[videos]),
            "token_ids": torch.from_numpy(self.token_ids[texts]),
            "emotions": torch.from_numpy(self.emotions[texts]),
            "same_item": torch.from_numpy(videos[:, None] == videos[None]),
        }

    def select_texts(self, texts: Ints) -> CaptionVideos:
        """The same videos with some of the texts."""
        return CaptionVideos(
            video_ids=self.video_ids, features=self.features, affect=self.affect,
            token_ids=self.token_ids[texts], emotions=self.emotions[texts],
            item_by_text=self.item_by_text[texts],
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptionVideoSplits:
    """The videos to train on and those to test on, and the number of token ids."""

    train: CaptionVideos
    test: CaptionVideos
    vocabulary_size: int

    def compute_digest(self) -> str:
        """Of all numbers."""
        digest = hashlib.sha256(str(self.vocabulary_size).encode())
        for videos in (self.train, self.test):
            for rows in (
                videos.features,
                videos.affect,
                videos.token_ids,
                videos.emotions,
                videos.item_by_text,
            ):
                digest.update(np.ascontiguousarray(rows).tobytes())
        return digest.hexdigest()


def split_caption_videos(dataset: CaptionDataset, *, seed: int) -> CaptionVideoSplits:
    """Captions of every video divided at random into texts and those held back.

    A test video has TEST_QUERIES texts at most. Videos with fewer than two captions are left out.

    Raises AffectError without videos to train and to test on.
    """
    rng = np.random.default_rng(seed)
    videos = [item for item in dataset.items if len(item.captions) > 1]
    divided = [_divide_captions(item, rng) for item in videos]
    is_test = np.array([item.split == TEST_SPLIT for item in videos])
    if not is_test.any() or is_test.all():
        raise AffectError(f"{dataset.name}: needs videos of two captions or more to train and to test on")
    features = compute_latent_features([" ".join(held_back) for _, held_back in divided], ~is_test, seed=seed)
    affect = np.stack([count_emotions(held_back, EmotionConfig()).mean(0) for _, held_back in divided])
    training_texts = [
        text for (texts, _), test in zip(divided, is_test, strict=True) if not test for text in texts
    ]
    vocabulary = Vocabulary.from_sentences(training_texts, min_count=2)

    def select(mask: npt.NDArray[np.bool_]) -> CaptionVideos:
        rows = np.flatnonzero(mask)
        texts = [divided[row][0] for row in rows]
        flat = [text for group in texts for text in group]
        return CaptionVideos(
            video_ids=tuple(videos[row].id for row in rows),
            features=features[rows],
            affect=affect[rows],
            token_ids=vocabulary.encode(flat, MAX_WORDS),
            emotions=count_emotions(flat, EmotionConfig()),
            item_by_text=np.repeat(np.arange(len(rows)), [len(group) for group in texts]),
        )

    return CaptionVideoSplits(train=select(~is_test), test=select(is_test), vocabulary_size=len(vocabulary))


def compute_latent_features(
    documents: Sequence[str], is_training: npt.NDArray[np.bool_], *, seed: int
) -> Rows:
    """(n, d) features of documents by latent semantic analysis fitted on the training ones, standardised."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors: Any = TfidfVectorizer(sublinear_tf=True, min_df=2)
    vectors.fit([text for text, used in zip(documents, is_training, strict=True) if used])
    weights = vectors.transform(documents)
    dim = min(MAX_FEATURE_DIM, weights.shape[1] - 1)
    features = TruncatedSVD(dim, random_state=seed).fit(weights[is_training]).transform(weights)
    mean, scale = features[is_training].mean(0), features[is_training].std(0)
    return np.asarray((features - mean) / scale, np.float32)


def _divide_captions(item: DatasetItem, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """(texts, held back)."""
    captions = [item.captions[number] for number in rng.permutation(len(item.captions))]
    count = len(captions) // 2
    if item.split == TEST_SPLIT:
        count = min(count, TEST_QUERIES)
    return captions[:count], captions[count:]
