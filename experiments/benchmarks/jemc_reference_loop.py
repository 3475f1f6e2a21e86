"""JEMC's model, loss and training loop as in the paper's code, github.com/niluthpol/multimodal_vtt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader, Dataset

from experiments.benchmarks.jemc_corpus import FEATURE_DIM, VOCABULARY_SIZE, SyntheticCorpus
from losses.ranking import MARGIN
from spaces.joint import Ints
from spaces.joint.schedule import RELEASED_SCHEDULE

WORD_DIM = 300

TrainingExample = tuple[Tensor, Tensor]  # features (2048,), token ids (length,)


class ReferenceModel(nn.Module):
    """The towers of model.py: a linear projection of features; word vectors and a GRU of captions."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.media = nn.Linear(FEATURE_DIM, dim)
        self.embedding = nn.Embedding(VOCABULARY_SIZE + 4, WORD_DIM)
        self.gru = nn.GRU(WORD_DIM, dim, batch_first=True)
        nn.init.xavier_uniform_(self.media.weight)
        nn.init.zeros_(self.media.bias)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def forward(self, features: Tensor, tokens: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Unit rows (n, dim) of features (n, 2048) and of captions (n, longest), the longest first."""
        packed = pack_padded_sequence(self.embedding(tokens), list(lengths), batch_first=True)
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        last = (torch.tensor(lengths) - 1)[:, None, None].expand(-1, 1, states.shape[2])
        return normalise_rows(self.media(features)), normalise_rows(states.gather(1, last)[:, 0])


def normalise_rows(rows: Tensor) -> Tensor:
    """(n, d), each row divided by its norm."""
    return rows / rows.pow(2).sum(1).sqrt()[:, None]


def reference_loss(similarity: Tensor) -> Tensor:
    """() the weighted ranking loss of similarities (n, n) with the pairs on the diagonal, ranks by a loop."""
    positives = similarity.diag()[:, None]
    is_pair = torch.eye(len(similarity), dtype=torch.bool)
    hinge_by_text = (MARGIN + similarity - positives).clamp(min=0).masked_fill(is_pair, 0).max(1)[0]
    hinge_by_media = (MARGIN + similarity - positives.T).clamp(min=0).masked_fill(is_pair, 0).max(0)[0]
    return (compute_rank_weights(similarity) * hinge_by_text).sum() + (
        compute_rank_weights(similarity.T) * hinge_by_media
    ).sum()


def compute_rank_weights(similarity: Tensor) -> Tensor:
    """(n,) 1 + 1 / r, with r the 1-based position of the positive among the row in ascending order."""
    order = torch.sort(similarity)[1]
    weights = torch.empty(len(similarity))
    for row in range(len(similarity)):
        weights[row] = 1 + 1 / (1 + (order[row] == row).nonzero()).float()
    return weights


class FeatureFileDataset(Dataset[TrainingExample]):
    """Captions with their video's features, which are read and averaged again for every caption."""

    def __init__(self, corpus: SyntheticCorpus, caption_indices: Ints) -> None:
        self.corpus, self.caption_indices = corpus, caption_indices
        self.caption_tokens = [
            torch.from_numpy(row[row != 0]) for row in corpus.caption_tokens[caption_indices]
        ]

    def __len__(self) -> int:
        return len(self.caption_indices)

    def __getitem__(self, index: int) -> TrainingExample:
        path = self.corpus.get_feature_path(int(self.corpus.caption_videos[self.caption_indices[index]]))
        return torch.from_numpy(np.load(path)).mean(0).float(), self.caption_tokens[index]


def collate_batch(examples: list[TrainingExample]) -> tuple[Tensor, Tensor, list[int]]:
    """Features (n, 2048), token ids (n, longest) and lengths, the longest first."""
    examples.sort(key=lambda example: len(example[1]), reverse=True)
    lengths = [len(tokens) for _, tokens in examples]
    padded = torch.zeros(len(examples), max(lengths), dtype=torch.int64)
    for row, (_, tokens) in enumerate(examples):
        padded[row, : len(tokens)] = tokens
    return torch.stack([features for features, _ in examples]), padded, lengths


@dataclass(frozen=True)
class ReferenceTrainer:
    """The loop of train_vtt.py, without its logs and validation."""

    model: ReferenceModel
    corpus: SyntheticCorpus
    batch_size: int
    worker_count: int
    optimiser: torch.optim.Optimizer

    def run(self, caption_indices: Ints) -> None:
        """One epoch over these captions."""
        loader = DataLoader(
            FeatureFileDataset(self.corpus, caption_indices),
            self.batch_size,
            shuffle=True,
            num_workers=self.worker_count,
            collate_fn=collate_batch,
        )
        for features, tokens, lengths in loader:
            media_rows, text_rows = self.model(features, tokens, lengths)
            self.optimiser.zero_grad()
            reference_loss(media_rows @ text_rows.T).backward()
            clip_grad_norm_(self.model.parameters(), RELEASED_SCHEDULE.clip)
            self.optimiser.step()


def compute_reference_similarity(
    reference: ReferenceModel, corpus: SyntheticCorpus, caption_indices: Ints
) -> Tensor:
    """Similarities (n, n) of captions and their videos."""
    dataset = FeatureFileDataset(corpus, caption_indices)
    media_rows, text_rows = reference(*collate_batch([dataset[index] for index in range(len(dataset))]))
    return media_rows @ text_rows.T
