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

from encoders.files import get_cache_dir, write_atomically
from encoders.minilm import DIM, MiniLM, build_mean_pooled_model, minilm
from encoders.text_files import split_lines
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import read_table
from losses.affect import ccc_loss
from retrieval.evaluation.splits import make_group_folds

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

N_HELD_OUT_FOLDS = (
    10  # one in ten of EmoBank's training sentences, by document, is kept to learn the errors from
)
HELD_OUT_SEED = 0  # the seed that says which: always the same, for whoever learns the errors must know them
SOUP_SIZE = 3  # trainings in what ships
NEGATION_FACTOR = -0.74  # VADER's factor of a negated word
NEGATED_TEMPLATES = (
    "not {}", "not {} at all", "not very {}", "never {}", "isn't {}", "it was not {}", "I am not {}",
    "he is not {} at all", "nothing {} here",
)  # fmt: skip
AFFIRMED_TEMPLATES = ("very {}", "so {}", "it was {}", "I am {}", "he feels {}")
MIN_ABS_VALENCE = 0.3  # VADER's words of at least this valence are put into sentences
NRC_EMOTIONS = (
    "anger", "anticipation", "disgust", "fear", "joy", "negative", "positive", "sadness", "surprise", "trust",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RatedText:
    """A text with the mean (valence, arousal) people gave it, in [-1, 1]; groups never cross a split."""

    text: str
    affect: tuple[float, float]
    split: str
    group: str


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Texts and what is to be foretold of them.

    targets: (n, k) valence and arousal (the first k of them), or with `has_separate_head` anything, for a
        head of its own
    batch_size: how many go into a step
    loss_weight: of its loss
    """

    name: str
    texts: Sequence[str]
    targets: Floats
    batch_size: int
    loss_weight: float = 1.0
    has_separate_head: bool = False


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """How to train: the adapters' rank and gain, times through the first lesson, AdamW's rate and decay.

    warmup_share: share of the steps in which the rate rises; then it falls to nothing
    ccc_weight: weight of 1 - CCC beside the squared error
    max_tokens: tokens of a text
    """

    rank: int = 16
    scaling: float = 2.0
    epochs: float = 3.0
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_share: float = 0.06
    ccc_weight: float = 0.5
    max_tokens: int = 64


class LoRALinear(nn.Module):
    """A linear layer that stays, plus gain * up(down(x)), which learns; it starts as the layer alone."""

    def __init__(self, layer: nn.Linear, rank: int, scaling: float) -> None:
        super().__init__()
        self.layer, self.scaling = layer, scaling
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., out) of rows (..., in)."""
        return self.layer(inputs) + self.scaling * ((inputs @ self.down.T) @ self.up.T)


def load_emobank(data_root: Path = DATA_ROOT) -> list[RatedText]:
    """EmoBank's sentences, 1..5 (Buechel & Hahn 2017); the group is the document."""
    return [
        RatedText(
            text=row["text"],
            affect=((float(row["V"]) - 3) / 2, (float(row["A"]) - 3) / 2),
            split=row["split"],
            group=row["id"] if row["id"].startswith("SemEval") else row["id"].rsplit("_", 2)[0],
        )
        for row in read_table(data_root / "emobank" / "emobank.csv")
    ]


def load_caav_actions(data_root: Path = DATA_ROOT) -> list[RatedText]:
    """CAAV's action phrases, 1..9, the mean over their four videos (Di Crosta et al. 2020)."""
    file = data_root / "caav_action_norms" / "caav_norms.csv"
    return _load_mean_ratings(file, "action_description", scale_middle=5, scale_half_range=4)


def load_oasis_themes(data_root: Path = DATA_ROOT) -> list[RatedText]:
    """OASIS' themes, 1..7, the mean over their pictures (Kurdi, Lozano & Banaji 2017)."""
    return _load_mean_ratings(
        data_root / "oasis" / "oasis.csv", "theme_base", scale_middle=4, scale_half_range=3
    )


def _load_mean_ratings(
    path: Path, text_column: str, *, scale_middle: float, scale_half_range: float
) -> list[RatedText]:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in read_table(path):
        values = (
            (float(row["valence_mean"]) - scale_middle) / scale_half_range,
            (float(row["arousal_mean"]) - scale_middle) / scale_half_range,
        )
        found.setdefault((row[text_column], row["split"]), []).append(values)
    means = {key: np.mean(values, axis=0) for key, values in found.items()}
    return [
        RatedText(text=text, affect=(float(mean[0]), float(mean[1])), split=split, group=text)
        for (text, split), mean in means.items()
    ]


def select_held_out(sentences: Sequence[RatedText]) -> list[RatedText]:
    """The training sentences that the adapters never see: whole documents, a tenth of all."""
    taught = [one for one in sentences if one.split == "train"]
    return [
        taught[row]
        for row in make_group_folds([one.group for one in taught], N_HELD_OUT_FOLDS, HELD_OUT_SEED)[0]
    ]


def load_vader_valence() -> dict[str, float]:
    """How pleasant each word of VADER's lexicon is, in [-1, 1]: the mean of ten raters, -4..4."""
    lines = split_lines((files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8"))
    rows = (line.split("\t") for line in lines if line)
    return {row[0]: float(row[1]) / 4 for row in rows if re.fullmatch(r"[a-z'-]{4,}", row[0])}


def load_nrc_emotions() -> dict[str, list[float]]:
    """Which of `EMOTIONS` each word of NRC's lexicon goes with, 1 or 0 each."""
    content = (files("nrclex") / "data" / "nrc_en.json").read_text(encoding="utf-8")
    return {word: [float(one in said) for one in NRC_EMOTIONS] for word, said in json.loads(content).items()}


def fill_templates(valence_by_word: dict[str, float]) -> dict[str, float]:
    """Words that tell something, negated and stated, and how pleasant VADER's rule calls them."""
    telling = [(word, value) for word, value in valence_by_word.items() if abs(value) > MIN_ABS_VALENCE]
    found = {}
    for number, (word, value) in enumerate(telling):
        found[NEGATED_TEMPLATES[number % len(NEGATED_TEMPLATES)].format(word)] = NEGATION_FACTOR * value
        found[AFFIRMED_TEMPLATES[number % len(AFFIRMED_TEMPLATES)].format(word)] = value
    return found


def load_training_sets(data_root: Path) -> list[TrainingSet]:
    """What it is taught: nothing but training rows, and no action phrase at all."""
    sentences = load_emobank(data_root)
    kept = {one.text for one in select_held_out(sentences)}
    taught = [one for one in sentences if one.split == "train" and one.text not in kept]
    named = [one for one in load_oasis_themes(data_root) if one.split == "train"]
    words, emotions = load_vader_valence(), load_nrc_emotions()
    said = fill_templates(words)
    return [
        _make_training_set("emobank", [one.text for one in taught], [one.affect for one in taught], 32),
        _make_training_set("themes", [one.text for one in named], [one.affect for one in named], 8, 0.5),
        _make_training_set("vader", list(words), [[value] for value in words.values()], 16, 0.3),
        _make_training_set("nrc", list(emotions), list(emotions.values()), 16, 0.3, has_separate_head=True),
        _make_training_set("negated", list(said), [[value] for value in said.values()], 8, 0.3),
    ]


def _make_training_set(
    name: str,
    texts: Sequence[str],
    targets: Sequence[Sequence[float]],
    batch_size: int,
    loss_weight: float = 1.0,
    *,
    has_separate_head: bool = False,
) -> TrainingSet:
    told = np.asarray(targets, np.float32)
    return TrainingSet(
        name=name,
        texts=texts,
        targets=told,
        batch_size=batch_size,
        loss_weight=loss_weight,
        has_separate_head=has_separate_head,
    )


def add_lora(model: nn.Module, rank: int, scaling: float) -> dict[str, LoRALinear]:
    """A `LowRank` for every linear layer of the blocks, by the layer's name; all else is frozen."""
    for weight in model.parameters():
        weight.requires_grad_(False)
    layers = {
        name: one
        for name, one in model.named_modules()
        if isinstance(one, nn.Linear) and ".encoder.layer." in name
    }
    found = {name: LoRALinear(layer, rank, scaling) for name, layer in layers.items()}
    for name, one in found.items():
        home, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(home), leaf, one)
    return found


def train_adapters(
    training_sets: Sequence[TrainingSet],
    config: AdapterConfig,
    *,
    seed: int,
    order: int = 0,
    quiet: bool = False,
) -> dict[str, Floats]:
    """Adapters and head, as `encoders.minilm_affect` reads them; the first lesson sets the pace.

    All start alike that have the same seed; in which order they meet the texts, and what dropout hides from
    them, is drawn from `seed` and `order`.

    "<layer>.down" (rank, in), "<layer>.up" (out, rank) with the gain in it, "head.weight" (2, 384) and
    "head.bias" (2,) from the mean of the tokens to the plane.
    """
    torch.manual_seed(seed)
    words = minilm()
    model = build_mean_pooled_model(words.folder)
    layers = add_lora(model, config.rank, config.scaling)
    plane = nn.Linear(DIM, 2)
    heads = {
        one.name: nn.Linear(DIM, one.targets.shape[1]) if one.has_separate_head else plane
        for one in training_sets
    }
    for head in heads.values():
        nn.init.normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias)
    adapters = [weight for one in layers.values() for weight in (one.down, one.up)]
    learnt = adapters + [weight for head in set(heads.values()) for weight in head.parameters()]
    steps = int(np.ceil(len(training_sets[0].texts) / training_sets[0].batch_size * config.epochs))
    optimiser = torch.optim.AdamW(learnt, lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        config.learning_rate,
        total_steps=steps,
        pct_start=config.warmup_share,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    coded = {one.name: _tokenize(words, one.texts, config.max_tokens) for one in training_sets}
    rng = np.random.default_rng([seed, order])
    torch.manual_seed(int(rng.integers(2**31)))
    draws = {
        one.name: _draw_batches([len(ids) for ids in coded[one.name]], one.batch_size, rng)
        for one in training_sets
    }
    model.train()
    began = told = time.monotonic()
    for step in range(steps):
        optimiser.zero_grad()
        losses = []
        for together in (
            training_sets[:1],
            training_sets[1:],
        ):  # the others are short: no use in padding them to sentences
            picks = [next(draws[one.name]) for one in together]
            texts = [coded[one.name][row] for one, pick in zip(together, picks, strict=True) for row in pick]
            with torch.autocast("cpu", torch.bfloat16):  # twice as fast where the processor knows bfloat16
                rows = model(*_pad_tokens(texts)) if texts else torch.zeros(0, DIM)
            parts = torch.split(rows.float(), [len(pick) for pick in picks])
            for one, pick, part in zip(together, picks, parts, strict=True):
                spread = torch.from_numpy(one.targets.std(axis=0))
                wanted = torch.from_numpy(one.targets[pick]) / spread
                found = heads[one.name](part)[:, : wanted.shape[1]] / spread
                loss = (found - wanted).square().mean()
                if not one.has_separate_head:
                    loss = loss + config.ccc_weight * ccc_loss(found, wanted).mean()
                losses.append(one.loss_weight * loss)
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
    tensors |= {f"{name}.up": one.scaling * one.up for name, one in layers.items()}
    tensors |= {f"head.{name}": weight for name, weight in plane.named_parameters()}
    return {name: weight.detach().contiguous().numpy() for name, weight in tensors.items()}


def make_model_soup(adapters: Sequence[Mapping[str, Floats]], rank: int) -> dict[str, Floats]:
    """One set of adapters of a rank, that changes a layer by the mean of what the members change it by.

    (Wortsman et al. 2022, Model soups, the uniform one.) The mean of up @ down has the rank of all members
    together; the nearest change of `rank` is taken (Eckart & Young 1936), with its singular values shared
    between up and down. Members that start alike change much the same: of three of rank 16, a change of rank
    16 keeps 98 % of the squares. Heads are averaged.
    """
    found = {
        name: np.mean([one[name] for one in adapters], axis=0) for name in adapters[0] if "head." in name
    }
    for layer in [name.removesuffix(".down") for name in adapters[0] if name.endswith(".down")]:
        downs = np.concatenate([one[f"{layer}.down"] for one in adapters]).astype(np.float64)
        ups = np.concatenate([one[f"{layer}.up"] for one in adapters], axis=1) / np.float64(len(adapters))
        outer, left = np.linalg.qr(ups)
        inner, right = np.linalg.qr(downs.T)
        first, values, second = np.linalg.svd(left @ right.T)
        share = np.sqrt(values[:rank])
        found[f"{layer}.down"] = (share[:, None] * (second[:rank] @ inner.T)).astype(np.float32)
        found[f"{layer}.up"] = ((outer @ first[:, :rank]) * share).astype(np.float32)
    return found


def load_or_train_adapters(
    training_sets: Sequence[TrainingSet],
    config: AdapterConfig,
    *,
    seed: int,
    order: int,
    folder: Path,
    quiet: bool = False,
) -> dict[str, Floats]:
    """As `train`; read from `folder` where the same lessons were taught before, the same way by this file."""
    key = hashlib.sha256(Path(__file__).read_bytes())
    key.update(repr((config, seed, order, minilm().card.sha256)).encode())
    for one in training_sets:
        key.update(
            repr((one.name, list(one.texts), one.batch_size, one.loss_weight, one.has_separate_head)).encode()
        )
        key.update(one.targets.tobytes())
    file = folder / f"minilm-affect-{key.hexdigest()[:16]}.safetensors"
    if not file.exists():
        write_atomically(
            file, save(train_adapters(training_sets, config, seed=seed, order=order, quiet=quiet))
        )
    return load_file(file)


def _tokenize(encoder: MiniLM, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    ids, mask = encoder.tokenize(texts)
    return [
        row[: min(length, max_tokens)].tolist() for row, length in zip(ids, mask.sum(axis=1), strict=True)
    ]


def _pad_tokens(token_ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token ids and mask, (n, length) each."""
    rows = [torch.tensor(text) for text in token_ids]
    ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return ids, mask


def _draw_batches(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator, pool_size: int = 8
) -> Iterator[Ints]:
    """Endless batches of texts of about the same length: each shuffle is sorted within pools of batches.

    What is left over at a pool's end, fewer than a batch, waits for the next shuffle.
    """
    long = np.asarray(lengths)
    size = min(batch_size, len(long))
    while True:
        order = rng.permutation(len(long))
        batches = []
        for pooled in np.split(order, range(size * pool_size, len(order), size * pool_size)):
            by_length = pooled[np.argsort(long[pooled], kind="stable")]
            parts = np.split(by_length, range(size, len(by_length), size))
            batches += [part for part in parts if len(part) == size]
        for at in rng.permutation(len(batches)):
            yield batches[at]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, average and write, weights as float16."""
    parser = argparse.ArgumentParser(prog="python -m experiments.heads.text_adapter", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--soup", type=int, default=SOUP_SIZE, metavar="N", help=f"trainings to average [{SOUP_SIZE}]"
    )
    parser.add_argument(
        "--cache", type=Path, default=get_cache_dir() / "adapters", help="keeps what is finished"
    )
    options = parser.parse_args(arguments)
    if options.soup < 1:
        parser.error("--soup must be 1 or more")
    torch.set_num_threads(1)  # sums in another order would give other weights
    taught, how = load_training_sets(options.data), AdapterConfig()
    found = make_model_soup(
        [
            load_or_train_adapters(taught, how, seed=options.seed, order=order, folder=options.cache)
            for order in range(options.soup)
        ],
        how.rank,
    )
    halves = {name: weight.astype(np.float16) for name, weight in found.items()}
    if not all(np.isfinite(weight).all() for weight in halves.values()):
        parser.error("weights are not finite")
    write_atomically(options.out, save(halves))


if __name__ == "__main__":
    main()
