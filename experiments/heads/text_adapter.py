"""MiniLM taught to feel: low-rank adapters for valence and arousal of sentences, phrases and words.

Low-rank adapters (LoRA, Hu et al. 2021) on the attention and feed-forward layers; all other weights stay. The
first lesson is EmoBank's sentences. The others are short and are taught beside it: what people say of
pictures' themes, and the words of two lexicons, so that it knows far more words than the rated sentences have
(VADER, Hutto & Gilbert 2014: how pleasant; NRC, Mohammad & Turney 2013: which emotions). Negated phrases get
what VADER's rule says of them.

What ships is a soup (Wortsman et al. 2022): the mean of what several trainings change, that start alike and
meet the texts in other orders. Each is kept once it is made: the command goes on where it was stopped.

    python -m experiments.heads.text_adapter --data DIR --out encoders/weights/minilm-affect.safetensors
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save
from torch import Tensor, nn

from encoders.minilm import DIM, MiniLM, mean_pooled, minilm
from encoders.onnx_runtime import cache_dir, write_whole
from encoders.text_files import split_lines
from experiments.datasets.records import DATA, table
from losses.affect import ccc_loss
from retrieval.evaluation.splits import folds

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

HELD_OUT = 10  # one in ten of EmoBank's training sentences, by document, is kept to learn the errors from
PARTING = 0  # the seed that says which: always the same, for whoever learns the errors must know them
SOUP = 3  # trainings in what ships
NEGATION = -0.74  # VADER's factor of a negated word
NEGATED = (
    "not {}", "not {} at all", "not very {}", "never {}", "isn't {}", "it was not {}", "I am not {}",
    "he is not {} at all", "nothing {} here",
)  # fmt: skip
STATED = ("very {}", "so {}", "it was {}", "I am {}", "he feels {}")
TELLING = 0.3  # VADER's words of at least this valence are put into sentences
EMOTIONS = (
    "anger", "anticipation", "disgust", "fear", "joy", "negative", "positive", "sadness", "surprise", "trust",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rated:
    """A text with the mean (valence, arousal) people gave it, in [-1, 1]; groups never cross a split."""

    text: str
    values: tuple[float, float]
    split: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Texts and what is to be foretold of them.

    values: (n, k) valence and arousal (the first k of them), or with `own` anything, for a head of its own
    batch:  how many go into a step
    weight: of its loss
    """

    name: str
    texts: Sequence[str]
    values: Floats
    batch: int
    weight: float = 1.0
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class How:
    """How to train: the adapters' rank and gain, times through the first lesson, AdamW's rate and decay.

    warm:    share of the steps in which the rate rises; then it falls to nothing
    ccc:     weight of 1 - CCC beside the squared error
    longest: tokens of a text
    """

    rank: int = 16
    gain: float = 2.0
    epochs: float = 3.0
    rate: float = 1e-3
    decay: float = 0.01
    warm: float = 0.06
    ccc: float = 0.5
    longest: int = 64


class LowRank(nn.Module):
    """A linear layer that stays, plus gain * up(down(x)), which learns; it starts as the layer alone."""

    def __init__(self, layer: nn.Linear, rank: int, gain: float) -> None:
        super().__init__()
        self.layer, self.gain = layer, gain
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, rows: Tensor) -> Tensor:
        """(..., out) of rows (..., in)."""
        return self.layer(rows) + self.gain * ((rows @ self.down.T) @ self.up.T)


def emobank(data: Path = DATA) -> list[Rated]:
    """EmoBank's sentences, 1..5 (Buechel & Hahn 2017); the group is the document."""
    return [
        Rated(
            text=row["text"],
            values=((float(row["V"]) - 3) / 2, (float(row["A"]) - 3) / 2),
            split=row["split"],
            group=row["id"] if row["id"].startswith("SemEval") else row["id"].rsplit("_", 2)[0],
        )
        for row in table(data / "emobank" / "emobank.csv")
    ]


def actions(data: Path = DATA) -> list[Rated]:
    """CAAV's action phrases, 1..9, the mean over their four videos (Di Crosta et al. 2020)."""
    file = data / "caav_action_norms" / "caav_norms.csv"
    return _means(file, "action_description", middle=5, half=4)


def themes(data: Path = DATA) -> list[Rated]:
    """OASIS' themes, 1..7, the mean over their pictures (Kurdi, Lozano & Banaji 2017)."""
    return _means(data / "oasis" / "oasis.csv", "theme_base", middle=4, half=3)


def _means(file: Path, column: str, *, middle: float, half: float) -> list[Rated]:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in table(file):
        values = (float(row["valence_mean"]) - middle) / half, (float(row["arousal_mean"]) - middle) / half
        found.setdefault((row[column], row["split"]), []).append(values)
    means = {key: np.mean(values, axis=0) for key, values in found.items()}
    return [
        Rated(text=text, values=(float(mean[0]), float(mean[1])), split=split, group=text)
        for (text, split), mean in means.items()
    ]


def held_out(sentences: Sequence[Rated]) -> list[Rated]:
    """The training sentences that the adapters never see: whole documents, a tenth of all."""
    taught = [one for one in sentences if one.split == "train"]
    return [taught[row] for row in folds([one.group for one in taught], HELD_OUT, PARTING)[0]]


def vader_words() -> dict[str, float]:
    """How pleasant each word of VADER's lexicon is, in [-1, 1]: the mean of ten raters, -4..4."""
    lines = split_lines((files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8"))
    rows = (line.split("\t") for line in lines if line)
    return {row[0]: float(row[1]) / 4 for row in rows if re.fullmatch(r"[a-z'-]{4,}", row[0])}


def nrc_words() -> dict[str, list[float]]:
    """Which of `EMOTIONS` each word of NRC's lexicon goes with, 1 or 0 each."""
    content = (files("nrclex") / "data" / "nrc_en.json").read_text(encoding="utf-8")
    return {word: [float(one in said) for one in EMOTIONS] for word, said in json.loads(content).items()}


def in_sentences(words: dict[str, float]) -> dict[str, float]:
    """Words that tell something, negated and stated, and how pleasant VADER's rule calls them."""
    telling = [(word, value) for word, value in words.items() if abs(value) > TELLING]
    found = {}
    for number, (word, value) in enumerate(telling):
        found[NEGATED[number % len(NEGATED)].format(word)] = NEGATION * value
        found[STATED[number % len(STATED)].format(word)] = value
    return found


def lessons(data: Path) -> list[Lesson]:
    """What it is taught: nothing but training rows, and no action phrase at all."""
    sentences = emobank(data)
    kept = {one.text for one in held_out(sentences)}
    taught = [one for one in sentences if one.split == "train" and one.text not in kept]
    named = [one for one in themes(data) if one.split == "train"]
    words, emotions = vader_words(), nrc_words()
    said = in_sentences(words)
    return [
        _lesson("emobank", [one.text for one in taught], [one.values for one in taught], 32),
        _lesson("themes", [one.text for one in named], [one.values for one in named], 8, 0.5),
        _lesson("vader", list(words), [[value] for value in words.values()], 16, 0.3),
        _lesson("nrc", list(emotions), list(emotions.values()), 16, 0.3, own=True),
        _lesson("negated", list(said), [[value] for value in said.values()], 8, 0.3),
    ]


def _lesson(
    name: str, texts: Sequence[str], values: Sequence[Sequence[float]], batch: int, weight: float = 1.0,
    *, own: bool = False,
) -> Lesson:  # fmt: skip
    told = np.asarray(values, np.float32)
    return Lesson(name=name, texts=texts, values=told, batch=batch, weight=weight, own=own)


def adapt(model: nn.Module, rank: int, gain: float) -> dict[str, LowRank]:
    """A `LowRank` for every linear layer of the blocks, by the layer's name; all else is frozen."""
    for weight in model.parameters():
        weight.requires_grad_(False)
    layers = {
        name: one
        for name, one in model.named_modules()
        if isinstance(one, nn.Linear) and ".encoder.layer." in name
    }
    found = {name: LowRank(layer, rank, gain) for name, layer in layers.items()}
    for name, one in found.items():
        home, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(home), leaf, one)
    return found


def train(
    taught: Sequence[Lesson], how: How, *, seed: int, order: int = 0, quiet: bool = False
) -> dict[str, Floats]:
    """Adapters and head, as `encoders.minilm_affect` reads them; the first lesson sets the pace.

    All start alike that have the same seed; in which order they meet the texts, and what dropout hides from
    them, is drawn from `seed` and `order`.

    "<layer>.down" (rank, in), "<layer>.up" (out, rank) with the gain in it, "head.weight" (2, 384) and
    "head.bias" (2,) from the mean of the tokens to the plane.
    """
    torch.manual_seed(seed)
    words = minilm()
    model = mean_pooled(words.folder)
    layers = adapt(model, how.rank, how.gain)
    plane = nn.Linear(DIM, 2)
    heads = {one.name: nn.Linear(DIM, one.values.shape[1]) if one.own else plane for one in taught}
    for head in heads.values():
        nn.init.normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias)
    adapters = [weight for one in layers.values() for weight in (one.down, one.up)]
    learnt = adapters + [weight for head in set(heads.values()) for weight in head.parameters()]
    steps = int(np.ceil(len(taught[0].texts) / taught[0].batch * how.epochs))
    optimiser = torch.optim.AdamW(learnt, lr=how.rate, weight_decay=how.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, how.rate, total_steps=steps, pct_start=how.warm, anneal_strategy="linear",
        cycle_momentum=False,
    )  # fmt: skip
    coded = {one.name: _coded(words, one.texts, how.longest) for one in taught}
    rng = np.random.default_rng([seed, order])
    torch.manual_seed(int(rng.integers(2**31)))
    draws = {one.name: _draws([len(ids) for ids in coded[one.name]], one.batch, rng) for one in taught}
    model.train()
    began = told = time.monotonic()
    for step in range(steps):
        optimiser.zero_grad()
        losses = []
        for together in (taught[:1], taught[1:]):  # the others are short: no use in padding them to sentences
            picks = [next(draws[one.name]) for one in together]
            texts = [coded[one.name][row] for one, pick in zip(together, picks, strict=True) for row in pick]
            with torch.autocast("cpu", torch.bfloat16):  # twice as fast where the processor knows bfloat16
                rows = model(*_padded(texts)) if texts else torch.zeros(0, DIM)
            parts = torch.split(rows.float(), [len(pick) for pick in picks])
            for one, pick, part in zip(together, picks, parts, strict=True):
                spread = torch.from_numpy(one.values.std(axis=0))
                wanted = torch.from_numpy(one.values[pick]) / spread
                found = heads[one.name](part)[:, : wanted.shape[1]] / spread
                loss = (found - wanted).square().mean()
                if not one.own:
                    loss = loss + how.ccc * ccc_loss(found, wanted).mean()
                losses.append(one.weight * loss)
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(adapters, 1.0)
        optimiser.step()
        schedule.step()
        if not quiet and time.monotonic() - told > 20:
            told = time.monotonic()
            shown = " ".join(f"{float(loss.detach()):.2f}" for loss in losses)
            print(
                f"step {step} of {steps}, {told - began:.0f} s, losses {shown}", file=sys.stderr, flush=True
            )
    tensors: dict[str, Tensor] = {f"{name}.down": one.down for name, one in layers.items()}
    tensors |= {f"{name}.up": one.gain * one.up for name, one in layers.items()}
    tensors |= {f"head.{name}": weight for name, weight in plane.named_parameters()}
    return {name: weight.detach().contiguous().numpy() for name, weight in tensors.items()}


def soup(members: Sequence[Mapping[str, Floats]], rank: int) -> dict[str, Floats]:
    """One set of adapters of a rank, that changes a layer by the mean of what the members change it by.

    (Wortsman et al. 2022, Model soups, the uniform one.) The mean of up @ down has the rank of all members
    together; the nearest change of `rank` is taken (Eckart & Young 1936), with its singular values shared
    between up and down. Members that start alike change much the same: of three of rank 16, a change of rank
    16 keeps 98 % of the squares. Heads are averaged.
    """
    found = {name: np.mean([one[name] for one in members], axis=0) for name in members[0] if "head." in name}
    for layer in [name.removesuffix(".down") for name in members[0] if name.endswith(".down")]:
        downs = np.concatenate([one[f"{layer}.down"] for one in members]).astype(np.float64)
        ups = np.concatenate([one[f"{layer}.up"] for one in members], axis=1) / np.float64(len(members))
        outer, left = np.linalg.qr(ups)
        inner, right = np.linalg.qr(downs.T)
        first, values, second = np.linalg.svd(left @ right.T)
        share = np.sqrt(values[:rank])
        found[f"{layer}.down"] = (share[:, None] * (second[:rank] @ inner.T)).astype(np.float32)
        found[f"{layer}.up"] = ((outer @ first[:, :rank]) * share).astype(np.float32)
    return found


def member(
    taught: Sequence[Lesson], how: How, *, seed: int, order: int, folder: Path, quiet: bool = False
) -> dict[str, Floats]:
    """As `train`; read from `folder` where the same lessons were taught before, the same way by this file."""
    key = hashlib.sha256(Path(__file__).read_bytes())
    key.update(repr((how, seed, order, minilm().card.sha256)).encode())
    for one in taught:
        key.update(repr((one.name, list(one.texts), one.batch, one.weight, one.own)).encode())
        key.update(one.values.tobytes())
    file = folder / f"minilm-affect-{key.hexdigest()[:16]}.safetensors"
    if not file.exists():
        write_whole(file, save(train(taught, how, seed=seed, order=order, quiet=quiet)))
    return load_file(file)


def _coded(words: MiniLM, texts: Sequence[str], longest: int) -> list[list[int]]:
    ids, mask = words.tokenize(texts)
    return [row[: min(length, longest)].tolist() for row, length in zip(ids, mask.sum(axis=1), strict=True)]


def _padded(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token ids and mask, (n, length) each."""
    rows = [torch.tensor(text) for text in texts]
    ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return ids, mask


def _draws(lengths: Sequence[int], batch: int, rng: np.random.Generator, pool: int = 8) -> Iterator[Ints]:
    """Endless batches of texts of about the same length: each shuffle is sorted within pools of batches.

    What is left over at a pool's end, fewer than a batch, waits for the next shuffle.
    """
    long = np.asarray(lengths)
    size = min(batch, len(long))
    while True:
        order = rng.permutation(len(long))
        batches = []
        for pooled in np.split(order, range(size * pool, len(order), size * pool)):
            by_length = pooled[np.argsort(long[pooled], kind="stable")]
            parts = np.split(by_length, range(size, len(by_length), size))
            batches += [part for part in parts if len(part) == size]
        for at in rng.permutation(len(batches)):
            yield batches[at]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, average and write, weights as float16."""
    parser = argparse.ArgumentParser(prog="python -m experiments.heads.text_adapter", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--soup", type=int, default=SOUP, metavar="N", help=f"trainings to average [{SOUP}]")
    parser.add_argument("--cache", type=Path, default=cache_dir() / "adapters", help="keeps what is finished")
    options = parser.parse_args(arguments)
    if options.soup < 1:
        parser.error("--soup must be 1 or more")
    torch.set_num_threads(1)  # sums in another order would give other weights
    taught, how = lessons(options.data), How()
    found = soup(
        [
            member(taught, how, seed=options.seed, order=order, folder=options.cache)
            for order in range(options.soup)
        ],
        how.rank,
    )
    halves = {name: weight.astype(np.float16) for name, weight in found.items()}
    if not all(np.isfinite(weight).all() for weight in halves.values()):
        parser.error("weights are not finite")
    write_whole(options.out, save(halves))


if __name__ == "__main__":
    main()
