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
from experiments.benchmarks.timing import in_turns, spread, times_faster
from experiments.statistics.report import Bar, Cell, Report
from losses.ranking import MARGIN, weighted
from spaces.joint.gru import beginnings, bfloat16_pays
from spaces.joint.towers import Joint, Projection, Words
from spaces.joint.training import RELEASED, Schedule, Training
from spaces.joint.training_set import Ints, Material, batch_of
from spaces.joint.vocabulary import Tokens

BAR = 3.0  # times as fast, at least
AGREE = 1e-4  # most that the two losses may differ, relative
ROLE, FEATURES, WIDTH = "resnet", 2048, 300
FRAMES = (20, 31)  # of a video: from, and below
CAPTIONS = 20  # a video
WORDS = 10_000
LENGTH, SPREAD = 9.4, 4.1  # words of a caption of MSR-VTT 1k-A: mean and standard deviation
MILLI = 1e-3

Item = tuple[Tensor, Tensor]  # features (2048,), word numbers (length,)


@dataclass(frozen=True)
class Corpus:
    """Captions of videos whose features lie in files, (t, 2048) each, and their means (videos, 2048)."""

    folder: Path
    pooled: Rows
    texts: Tokens
    owner: Ints

    def file(self, video: int) -> Path:
        """The features of a video."""
        return self.folder / f"video{video}.npy"

    def material(self, texts: Ints) -> Material:
        """Some of the captions with all videos, in memory."""
        return Material(media={ROLE: self.pooled}, texts=self.texts[texts], owner=self.owner[texts])


def written(folder: Path, videos: int, seed: int) -> Corpus:
    """Files of rows like a ResNet's last (not negative), and captions of MSR-VTT's lengths.

    Words are drawn by Zipf's law, independently, so that fewer captions begin alike than real ones do.
    """
    rng = np.random.default_rng(seed)
    pooled = np.empty((videos, FEATURES), np.float32)
    for video in range(videos):
        own = rng.exponential(0.5, FEATURES)
        rows = (own * rng.exponential(1, (int(rng.integers(*FRAMES)), FEATURES))).astype(np.float32)
        np.save(folder / f"video{video}.npy", rows)
        pooled[video] = rows.mean(0)
    return Corpus(folder, pooled, captions(videos * CAPTIONS, rng), np.repeat(np.arange(videos), CAPTIONS))


def captions(count: int, rng: np.random.Generator) -> Tokens:
    """(count, longest) word numbers between start (2) and end (3), as `Vocabulary.tokens` gives them."""
    shape = (LENGTH / SPREAD) ** 2
    lengths = np.clip(np.rint(rng.gamma(shape, LENGTH / shape, count)), 3, 30).astype(np.int64)
    odds = 1 / np.arange(1, WORDS + 1)
    drawn = 4 + rng.choice(WORDS, (count, lengths.max() + 2), p=odds / odds.sum())
    drawn[:, 0] = 2
    drawn[np.arange(count), lengths + 1] = 3
    return np.where(np.arange(drawn.shape[1]) < lengths[:, None] + 2, drawn, 0)


class Plain(nn.Module):
    """The towers of github.com/niluthpol/multimodal_vtt, model.py: one linear map, word vectors and a GRU."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.media = nn.Linear(FEATURES, dim)
        self.embedding = nn.Embedding(WORDS + 4, WIDTH)
        self.gru = nn.GRU(WIDTH, dim, batch_first=True)
        nn.init.xavier_uniform_(self.media.weight)
        nn.init.zeros_(self.media.bias)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def forward(self, media: Tensor, texts: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Unit rows (n, dim) of features (n, 2048) and of texts (n, longest), the longest first."""
        packed = pack_padded_sequence(self.embedding(texts), list(lengths), batch_first=True)
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        last = (torch.tensor(lengths) - 1)[:, None, None].expand(-1, 1, states.shape[2])
        return of_length_one(self.media(media)), of_length_one(states.gather(1, last)[:, 0])


def of_length_one(rows: Tensor) -> Tensor:
    """(n, d), each divided by its length."""
    return rows / rows.pow(2).sum(1).sqrt()[:, None]


def plain_loss(scores: Tensor) -> Tensor:
    """() of similarities (n, n) with the pairs on the diagonal: a loop over the pairs finds their ranks."""
    own = scores.diag()[:, None]
    themselves = torch.eye(len(scores), dtype=torch.bool)
    of_texts = (MARGIN + scores - own).clamp(min=0).masked_fill(themselves, 0).max(1)[0]
    of_media = (MARGIN + scores - own.T).clamp(min=0).masked_fill(themselves, 0).max(0)[0]
    return (plain_weights(scores) * of_texts).sum() + (plain_weights(scores.T) * of_media).sum()


def plain_weights(scores: Tensor) -> Tensor:
    """(n,) one more than 1 / the true pair's place, from 1, in the row sorted upwards."""
    order = torch.sort(scores)[1]
    weights = torch.empty(len(scores))
    for row in range(len(scores)):
        weights[row] = 1 + 1 / (1 + (order[row] == row).nonzero()).float()
    return weights


class Files(Dataset[Item]):
    """A caption with its video's features, which are read and averaged anew for every caption."""

    def __init__(self, corpus: Corpus, texts: Ints) -> None:
        self.corpus, self.texts = corpus, texts
        self.words = [torch.from_numpy(row[row != 0]) for row in corpus.texts[texts]]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Item:
        file = self.corpus.file(int(self.corpus.owner[self.texts[index]]))
        return torch.from_numpy(np.load(file)).mean(0).float(), self.words[index]


def collated(items: list[Item]) -> tuple[Tensor, Tensor, list[int]]:
    """Features (n, 2048), word numbers (n, longest) and lengths, the longest first."""
    items.sort(key=lambda item: len(item[1]), reverse=True)
    lengths = [len(words) for _, words in items]
    texts = torch.zeros(len(items), max(lengths), dtype=torch.int64)
    for row, (_, words) in enumerate(items):
        texts[row, : len(words)] = words
    return torch.stack([media for media, _ in items]), texts, lengths


@dataclass(frozen=True)
class PlainTraining:
    """The loop of train_vtt.py, without its logs and validation."""

    model: Plain
    corpus: Corpus
    batch: int
    workers: int
    optimiser: torch.optim.Optimizer

    def run(self, texts: Ints) -> None:
        """Once over these captions."""
        loader = DataLoader(
            Files(self.corpus, texts), self.batch, shuffle=True, num_workers=self.workers, collate_fn=collated
        )
        for media, words, lengths in loader:
            media_rows, text_rows = self.model(media, words, lengths)
            self.optimiser.zero_grad()
            plain_loss(media_rows @ text_rows.T).backward()
            clip_grad_norm_(self.model.parameters(), RELEASED.clip)
            self.optimiser.step()


def measured(
    corpus: Corpus, batches: int, batch: int, dim: int, workers: int, rounds: int, seed: int
) -> Report:
    """Time the ways. Raises AffectError if their losses of one batch with the same weights don't agree."""
    torch.manual_seed(seed)
    plain = Plain(dim)
    ways: dict[str, Joint] = {"ours, float32": twin(plain, bfloat16=False)}
    if bfloat16_pays(dim):
        ways["ours, bfloat16 in the GRU"] = twin(plain, bfloat16=True)
    for name, model in ways.items():
        if (apart := difference(plain, model, corpus, min(batch, len(corpus.pooled)))) > AGREE:
            raise AffectError(f"the losses of {name} and of the plain way are {apart:.2g} apart")
    shares = drawn(len(corpus.texts), rounds, batches * batch, seed)
    optimiser = torch.optim.Adam(plain.parameters(), lr=RELEASED.rate)
    turns: dict[str, Callable[[int], object]] = {
        "plain": lambda i: PlainTraining(plain, corpus, batch, workers, optimiser).run(shares[i])
    }
    for name, model in ways.items():
        turns[name] = partial(
            epoch, model, corpus, shares, Schedule(epochs=1, batch=batch, rate=RELEASED.rate)
        )
    spent = in_turns(turns, rounds)
    faster = {name: times_faster(spent["plain"], seconds, seed=seed) for name, seconds in spent.items()}
    rows: list[dict[str, Cell]] = [
        {
            "way": name,
            "ms a batch (least to most)": spread(seconds / batches, MILLI),
            "times as fast as plain": faster[name],
        }
        for name, seconds in spent.items()
    ]
    usual = list(ways)[-1]  # what Words does by itself
    return Report(
        bench="epoch",
        settings={
            "videos": len(corpus.pooled), "captions": len(corpus.texts), "batch": batch, "batches": batches,
            "dim": dim, "words": WORDS, "threads": torch.get_num_threads(), "workers": workers,
            "rounds": rounds, "seed": seed, **told(corpus, shares[0][:batch]),
        },
        rows=rows,
        bars=[Bar(f"an epoch, {usual}: times as fast as plain", faster[usual].value, BAR, least=True)],
        notes=[
            "plain: features read and averaged a caption, loops for the loss, nn.GRU, as in multimodal_vtt;",
            f"its loss and ours differ by less than {AGREE:g} on the same weights; medians, ratios with 95 %",
            "bootstraps over paired rounds; pooling, done once for us, and any judging are not timed; files",
            "lie in the page cache",
        ],
    )  # fmt: skip


def epoch(model: Joint, corpus: Corpus, shares: Sequence[Ints], schedule: Schedule, number: int) -> None:
    """Once over a round's captions."""
    material = corpus.material(shares[number])
    Training(model=model, material=material, loss=weighted(), schedule=schedule, seed=number).run()


def told(corpus: Corpus, texts: Ints) -> dict[str, int]:
    """What a batch is made of: words to go through, and how many beginnings and words are distinct."""
    table = torch.from_numpy(corpus.texts[texts])
    tree = beginnings(table)
    return {
        "steps a batch": int((table != 0).sum()),
        "distinct beginnings": len(tree.places),
        "distinct words": len(tree.words),
    }


def drawn(texts: int, rounds: int, count: int, seed: int) -> list[Ints]:
    """For every round so many texts, or all if there are fewer."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(texts)[:count] for _ in range(rounds)]


def twin(plain: Plain, *, bfloat16: bool) -> Joint:
    """Our model with the same weights, before it takes means and scales from its material."""
    dim = plain.media.out_features
    model = Joint(Projection({ROLE: FEATURES}, dim), Words(WORDS + 4, dim, bfloat16=bfloat16))
    with torch.no_grad():
        model.media.ways[ROLE].weight.copy_(plain.media.weight.T)
        model.media.bias.copy_(plain.media.bias)
    assert isinstance(model.text, Words)
    model.text.embedding.load_state_dict(plain.embedding.state_dict())
    model.text.gru.load_state_dict(plain.gru.state_dict())
    return model


@torch.no_grad()
def difference(plain: Plain, model: Joint, corpus: Corpus, batch: int) -> float:
    """How far apart the losses of one batch are, of as many videos, relative to the plain one."""
    texts = np.arange(batch) * CAPTIONS
    wanted = float(plain_loss(plain_table(plain, corpus, texts)))
    material = corpus.material(texts)
    found = batch_of(material, torch.arange(batch), torch.Generator())
    return abs(float(model.cost(found, weighted())) - wanted) / wanted


def plain_table(plain: Plain, corpus: Corpus, texts: Ints) -> Tensor:
    """Similarities (n, n) of some captions and their videos."""
    files = Files(corpus, texts)
    media_rows, text_rows = plain(*collated([files[at] for at in range(len(files))]))
    return media_rows @ text_rows.T
