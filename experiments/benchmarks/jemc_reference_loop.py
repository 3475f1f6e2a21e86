"""JEMC's heads trained by the loop of the paper's code, timed beside this project's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader, Dataset

from encoders.base import AffectError, Rows
from experiments.benchmarks.timing import estimate_speedup, summarise_seconds, time_in_turns
from experiments.statistics.report import BenchmarkReport, Cell, Requirement
from losses.ranking import MARGIN, weighted_ranking
from spaces.joint.gru import build_prefix_tree, is_bfloat16_faster
from spaces.joint.towers import GRUTower, JointModel, Projection
from spaces.joint.training import RELEASED_SCHEDULE, Schedule, Trainer
from spaces.joint.training_set import Ints, TrainingSet, make_batch
from spaces.joint.vocabulary import TokenIds

MIN_SPEEDUP = 3.0  # times as fast, at least
LOSS_TOLERANCE = 1e-4  # most that the two losses may differ, relative
ROLE, FEATURE_DIM, WORD_DIM = "resnet", 2048, 300
FRAME_COUNT_RANGE = (20, 31)  # of a video: from, and below
CAPTIONS_PER_VIDEO = 20  # a video
VOCABULARY_SIZE = 10_000
MEAN_CAPTION_WORDS, CAPTION_WORDS_SD = (
    9.4,
    4.1,
)  # words of a caption of MSR-VTT 1k-A: mean and standard deviation
MILLI = 1e-3

TrainingExample = tuple[Tensor, Tensor]  # features (2048,), word numbers (length,)


@dataclass(frozen=True)
class SyntheticCorpus:
    """Captions of videos whose features lie in files, (t, 2048) each, and their means (videos, 2048)."""

    folder: Path
    mean_features: Rows
    caption_tokens: TokenIds
    caption_videos: Ints

    def get_feature_path(self, video_index: int) -> Path:
        """The features of a video."""
        return self.folder / f"video{video_index}.npy"

    def make_training_set(self, caption_indices: Ints) -> TrainingSet:
        """Some of the captions with all videos, in memory."""
        return TrainingSet(
            features={ROLE: self.mean_features},
            texts=self.caption_tokens[caption_indices],
            item_by_text=self.caption_videos[caption_indices],
        )


def write_corpus(folder: Path, video_count: int, seed: int) -> SyntheticCorpus:
    """Files of rows like a ResNet's last (not negative), and captions of MSR-VTT's lengths.

    Words are drawn by Zipf's law, independently, so that fewer captions begin alike than real ones do.
    """
    rng = np.random.default_rng(seed)
    pooled = np.empty((video_count, FEATURE_DIM), np.float32)
    for video in range(video_count):
        own = rng.exponential(0.5, FEATURE_DIM)
        rows = (own * rng.exponential(1, (int(rng.integers(*FRAME_COUNT_RANGE)), FEATURE_DIM))).astype(
            np.float32
        )
        np.save(folder / f"video{video}.npy", rows)
        pooled[video] = rows.mean(0)
    return SyntheticCorpus(
        folder,
        pooled,
        draw_captions(video_count * CAPTIONS_PER_VIDEO, rng),
        np.repeat(np.arange(video_count), CAPTIONS_PER_VIDEO),
    )


def draw_captions(count: int, rng: np.random.Generator) -> TokenIds:
    """(count, longest) word numbers between start (2) and end (3), as `Vocabulary.encode` gives them."""
    shape = (MEAN_CAPTION_WORDS / CAPTION_WORDS_SD) ** 2
    lengths = np.clip(np.rint(rng.gamma(shape, MEAN_CAPTION_WORDS / shape, count)), 3, 30).astype(np.int64)
    odds = 1 / np.arange(1, VOCABULARY_SIZE + 1)
    drawn = 4 + rng.choice(VOCABULARY_SIZE, (count, lengths.max() + 2), p=odds / odds.sum())
    drawn[:, 0] = 2
    drawn[np.arange(count), lengths + 1] = 3
    return np.where(np.arange(drawn.shape[1]) < lengths[:, None] + 2, drawn, 0)


class ReferenceModel(nn.Module):
    """The towers of github.com/niluthpol/multimodal_vtt, model.py: one linear map, word vectors and a GRU."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.media = nn.Linear(FEATURE_DIM, dim)
        self.embedding = nn.Embedding(VOCABULARY_SIZE + 4, WORD_DIM)
        self.gru = nn.GRU(WORD_DIM, dim, batch_first=True)
        nn.init.xavier_uniform_(self.media.weight)
        nn.init.zeros_(self.media.bias)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def forward(self, features: Tensor, tokens: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Unit rows (n, dim) of features (n, 2048) and of texts (n, longest), the longest first."""
        packed = pack_padded_sequence(self.embedding(tokens), list(lengths), batch_first=True)
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        last = (torch.tensor(lengths) - 1)[:, None, None].expand(-1, 1, states.shape[2])
        return normalise_rows(self.media(features)), normalise_rows(states.gather(1, last)[:, 0])


def normalise_rows(rows: Tensor) -> Tensor:
    """(n, d), each divided by its length."""
    return rows / rows.pow(2).sum(1).sqrt()[:, None]


def reference_loss(similarity: Tensor) -> Tensor:
    """() of similarities (n, n) with the pairs on the diagonal: a loop over the pairs finds their ranks."""
    own = similarity.diag()[:, None]
    themselves = torch.eye(len(similarity), dtype=torch.bool)
    of_texts = (MARGIN + similarity - own).clamp(min=0).masked_fill(themselves, 0).max(1)[0]
    of_media = (MARGIN + similarity - own.T).clamp(min=0).masked_fill(themselves, 0).max(0)[0]
    return (compute_rank_weights(similarity) * of_texts).sum() + (
        compute_rank_weights(similarity.T) * of_media
    ).sum()


def compute_rank_weights(similarity: Tensor) -> Tensor:
    """(n,) one more than 1 / the true pair's place, from 1, in the row sorted upwards."""
    order = torch.sort(similarity)[1]
    weights = torch.empty(len(similarity))
    for row in range(len(similarity)):
        weights[row] = 1 + 1 / (1 + (order[row] == row).nonzero()).float()
    return weights


class FeatureFileDataset(Dataset[TrainingExample]):
    """A caption with its video's features, which are read and averaged anew for every caption."""

    def __init__(self, corpus: SyntheticCorpus, caption_indices: Ints) -> None:
        self.corpus, self.caption_indices = corpus, caption_indices
        self.caption_tokens = [
            torch.from_numpy(row[row != 0]) for row in corpus.caption_tokens[caption_indices]
        ]

    def __len__(self) -> int:
        return len(self.caption_indices)

    def __getitem__(self, index: int) -> TrainingExample:
        file = self.corpus.get_feature_path(int(self.corpus.caption_videos[self.caption_indices[index]]))
        return torch.from_numpy(np.load(file)).mean(0).float(), self.caption_tokens[index]


def collate_batch(examples: list[TrainingExample]) -> tuple[Tensor, Tensor, list[int]]:
    """Features (n, 2048), word numbers (n, longest) and lengths, the longest first."""
    examples.sort(key=lambda item: len(item[1]), reverse=True)
    lengths = [len(words) for _, words in examples]
    texts = torch.zeros(len(examples), max(lengths), dtype=torch.int64)
    for row, (_, words) in enumerate(examples):
        texts[row, : len(words)] = words
    return torch.stack([media for media, _ in examples]), texts, lengths


@dataclass(frozen=True)
class ReferenceTrainer:
    """The loop of train_vtt.py, without its logs and validation."""

    model: ReferenceModel
    corpus: SyntheticCorpus
    batch_size: int
    worker_count: int
    optimiser: torch.optim.Optimizer

    def run(self, caption_indices: Ints) -> None:
        """Once over these captions."""
        loader = DataLoader(
            FeatureFileDataset(self.corpus, caption_indices),
            self.batch_size,
            shuffle=True,
            num_workers=self.worker_count,
            collate_fn=collate_batch,
        )
        for media, words, lengths in loader:
            media_rows, text_rows = self.model(media, words, lengths)
            self.optimiser.zero_grad()
            reference_loss(media_rows @ text_rows.T).backward()
            clip_grad_norm_(self.model.parameters(), RELEASED_SCHEDULE.clip)
            self.optimiser.step()


def run_benchmark(
    corpus: SyntheticCorpus,
    batch_count: int,
    batch_size: int,
    dim: int,
    worker_count: int,
    rounds: int,
    seed: int,
) -> BenchmarkReport:
    """Time the ways. Raises AffectError if their losses of one batch with the same weights don't agree."""
    torch.manual_seed(seed)
    plain = ReferenceModel(dim)
    ways: dict[str, JointModel] = {"ours, float32": copy_to_joint_model(plain, bfloat16=False)}
    if is_bfloat16_faster(dim):
        ways["ours, bfloat16 in the GRU"] = copy_to_joint_model(plain, bfloat16=True)
    for name, model in ways.items():
        if (
            apart := compute_loss_difference(plain, model, corpus, min(batch_size, len(corpus.mean_features)))
        ) > LOSS_TOLERANCE:
            raise AffectError(f"the losses of {name} and of the plain way are {apart:.2g} apart")
    shares = draw_caption_samples(len(corpus.caption_tokens), rounds, batch_count * batch_size, seed)
    optimiser = torch.optim.Adam(plain.parameters(), lr=RELEASED_SCHEDULE.rate)
    turns: dict[str, Callable[[int], object]] = {
        "plain": lambda i: ReferenceTrainer(plain, corpus, batch_size, worker_count, optimiser).run(shares[i])
    }
    for name, model in ways.items():
        turns[name] = partial(
            train_epoch,
            model,
            corpus,
            shares,
            Schedule(epochs=1, batch=batch_size, rate=RELEASED_SCHEDULE.rate),
        )
    spent = time_in_turns(turns, rounds)
    faster = {name: estimate_speedup(spent["plain"], seconds, seed=seed) for name, seconds in spent.items()}
    rows: list[dict[str, Cell]] = [
        {
            "way": name,
            "ms a batch (least to most)": summarise_seconds(seconds / batch_count, MILLI),
            "times as fast as plain": faster[name],
        }
        for name, seconds in spent.items()
    ]
    usual = list(ways)[-1]  # what Words does by itself
    return BenchmarkReport(
        benchmark="epoch",
        settings={
            "videos": len(corpus.mean_features),
            "captions": len(corpus.caption_tokens),
            "batch": batch_size,
            "batches": batch_count,
            "dim": dim,
            "words": VOCABULARY_SIZE,
            "threads": torch.get_num_threads(),
            "workers": worker_count,
            "rounds": rounds,
            "seed": seed,
            **describe_batch(corpus, shares[0][:batch_size]),
        },
        rows=rows,
        requirements=[
            Requirement(
                f"an epoch, {usual}: times as fast as plain",
                faster[usual].value,
                MIN_SPEEDUP,
                is_minimum=True,
            )
        ],
        notes=[
            "plain: features read and averaged a caption, loops for the loss, nn.GRU, as in multimodal_vtt;",
            f"its loss and ours differ by less than {LOSS_TOLERANCE:g} on the same weights; "
            "medians, ratios with 95 %",
            "bootstraps over paired rounds; pooling, done once for us, and any judging are not timed; files",
            "lie in the page cache",
        ],
    )


def train_epoch(
    model: JointModel,
    corpus: SyntheticCorpus,
    captions_by_round: Sequence[Ints],
    schedule: Schedule,
    round_number: int,
) -> None:
    """Once over a round's captions."""
    material = corpus.make_training_set(captions_by_round[round_number])
    Trainer(
        model=model, training_set=material, loss=weighted_ranking(), schedule=schedule, seed=round_number
    ).run()


def describe_batch(corpus: SyntheticCorpus, caption_indices: Ints) -> dict[str, int]:
    """What a batch is made of: words to go through, and how many beginnings and words are distinct."""
    table = torch.from_numpy(corpus.caption_tokens[caption_indices])
    tree = build_prefix_tree(table)
    return {
        "steps a batch": int((table != 0).sum()),
        "distinct beginnings": len(tree.last_word_index),
        "distinct words": len(tree.word_ids),
    }


def draw_caption_samples(caption_count: int, rounds: int, sample_size: int, seed: int) -> list[Ints]:
    """For every round so many texts, or all if there are fewer."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(caption_count)[:sample_size] for _ in range(rounds)]


def copy_to_joint_model(reference: ReferenceModel, *, bfloat16: bool) -> JointModel:
    """Our model with the same weights, before it takes means and scales from its material."""
    dim = reference.media.out_features
    model = JointModel(
        Projection({ROLE: FEATURE_DIM}, dim), GRUTower(VOCABULARY_SIZE + 4, dim, use_bfloat16=bfloat16)
    )
    with torch.no_grad():
        model.media.input_layers[ROLE].weight.copy_(reference.media.weight.T)
        model.media.bias.copy_(reference.media.bias)
    assert isinstance(model.text, GRUTower)
    model.text.embedding.load_state_dict(reference.embedding.state_dict())
    model.text.gru.load_state_dict(reference.gru.state_dict())
    return model


@torch.no_grad()
def compute_loss_difference(
    reference: ReferenceModel, model: JointModel, corpus: SyntheticCorpus, batch_size: int
) -> float:
    """How far apart the losses of one batch are, of as many videos, relative to the plain one."""
    texts = np.arange(batch_size) * CAPTIONS_PER_VIDEO
    wanted = float(reference_loss(compute_reference_similarity(reference, corpus, texts)))
    material = corpus.make_training_set(texts)
    found = make_batch(material, torch.arange(batch_size), torch.Generator())
    return abs(float(model.compute_loss(found, weighted_ranking())) - wanted) / wanted


def compute_reference_similarity(
    reference: ReferenceModel, corpus: SyntheticCorpus, caption_indices: Ints
) -> Tensor:
    """Similarities (n, n) of some captions and their videos."""
    files = FeatureFileDataset(corpus, caption_indices)
    media_rows, text_rows = reference(*collate_batch([files[at] for at in range(len(files))]))
    return media_rows @ text_rows.T
