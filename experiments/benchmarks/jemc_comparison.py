"""Training of JEMC's heads, timed against the loop of the paper's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from encoders import AffectError
from experiments.benchmarks.jemc_corpus import (
    CAPTIONS_PER_VIDEO,
    FEATURE_DIM,
    ROLE,
    VOCABULARY_SIZE,
    SyntheticCorpus,
    draw_caption_samples,
)
from experiments.benchmarks.jemc_reference_loop import (
    ReferenceModel,
    ReferenceTrainer,
    compute_reference_similarity,
    reference_loss,
)
from experiments.benchmarks.timing import Seconds, estimate_speedup, summarise_seconds, time_in_turns
from experiments.statistics.report import BenchmarkReport, Requirement
from losses import weighted_ranking
from spaces.joint import Ints, Schedule, Trainer
from spaces.joint.gru import build_prefix_tree, is_bfloat16_faster
from spaces.joint.schedule import RELEASED_SCHEDULE
from spaces.joint.towers import GRUTower, JointModel, Projection

MIN_SPEEDUP = 3.0  # times as fast as the reference
LOSS_TOLERANCE = 1e-4  # relative difference of the two losses
MILLI = 1e-3
REFERENCE = "plain"  # the reference's name in the report
NOTES = (
    "plain: features read and averaged a caption, loops for the loss, nn.GRU, as in multimodal_vtt;",
    f"its loss and ours differ by less than {LOSS_TOLERANCE:g} on the same weights; "
    "medians, ratios with 95 %",
    "bootstraps over paired rounds; pooling, done once for us, and any judging are not timed; files",
    "lie in the page cache",
)


@dataclass(frozen=True, kw_only=True)
class TrainingBenchmark:
    """Settings of the benchmark; a round is `batch_count` batches."""

    batch_count: int
    batch_size: int
    dim: int
    worker_count: int
    rounds: int
    seed: int

    def to_json(self) -> dict[str, int]:
        """As given in the report."""
        return {
            "batch": self.batch_size, "batches": self.batch_count, "dim": self.dim, "words": VOCABULARY_SIZE,
            "threads": torch.get_num_threads(), "workers": self.worker_count, "rounds": self.rounds,
            "seed": self.seed,
        }  # fmt: skip


def run_benchmark(corpus: SyntheticCorpus, settings: TrainingBenchmark) -> BenchmarkReport:
    """Time all methods. Raises AffectError if their losses of a batch differ with the same weights."""
    torch.manual_seed(settings.seed)
    reference = ReferenceModel(settings.dim)
    models = {"ours, float32": copy_to_joint_model(reference, bfloat16=False)}
    if is_bfloat16_faster(settings.dim):
        models["ours, bfloat16 in the GRU"] = copy_to_joint_model(reference, bfloat16=True)
    check_losses_agree(reference, models, corpus, settings.batch_size)
    captions_by_round = draw_caption_samples(
        len(corpus.caption_tokens), settings.rounds, settings.batch_count * settings.batch_size, settings.seed
    )
    optimiser = torch.optim.Adam(reference.parameters(), lr=RELEASED_SCHEDULE.rate)
    trainer = ReferenceTrainer(reference, corpus, settings.batch_size, settings.worker_count, optimiser)
    schedule = Schedule(epochs=1, batch=settings.batch_size, rate=RELEASED_SCHEDULE.rate)
    methods: dict[str, Callable[[int], object]] = {
        REFERENCE: lambda round_number: trainer.run(captions_by_round[round_number])
    }
    for name, model in models.items():
        methods[name] = partial(train_epoch, model, corpus, captions_by_round, schedule)
    seconds_by_method = time_in_turns(methods, settings.rounds)
    first_batch = captions_by_round[0][: settings.batch_size]
    return make_report(corpus, settings, seconds_by_method, describe_batch(corpus, first_batch))


def make_report(
    corpus: SyntheticCorpus,
    settings: TrainingBenchmark,
    seconds_by_method: Mapping[str, Seconds],
    batch_description: Mapping[str, int],
) -> BenchmarkReport:
    """Milliseconds a batch and speed-ups over the reference; the last method is the engine's default."""
    speedups = {
        name: estimate_speedup(seconds_by_method[REFERENCE], seconds, seed=settings.seed)
        for name, seconds in seconds_by_method.items()
    }
    default = list(seconds_by_method)[-1]
    return BenchmarkReport(
        benchmark="epoch",
        settings={
            "videos": len(corpus.mean_features),
            "captions": len(corpus.caption_tokens),
            **settings.to_json(),
            **batch_description,
        },
        rows=[
            {
                "way": name,
                "ms a batch (least to most)": summarise_seconds(seconds / settings.batch_count, MILLI),
                "times as fast as plain": speedups[name],
            }
            for name, seconds in seconds_by_method.items()
        ],
        requirements=[
            Requirement(
                f"an epoch, {default}: times as fast as plain",
                speedups[default].value,
                MIN_SPEEDUP,
                is_minimum=True,
            )
        ],
        notes=NOTES,
    )


def train_epoch(
    model: JointModel,
    corpus: SyntheticCorpus,
    captions_by_round: Sequence[Ints],
    schedule: Schedule,
    round_number: int,
) -> None:
    """One epoch over a round's captions."""
    training_set = corpus.make_training_set(captions_by_round[round_number])
    Trainer(
        model=model,
        training_set=training_set,
        loss=weighted_ranking(),
        schedule=schedule,
        seed=round_number,
    ).run()


def describe_batch(corpus: SyntheticCorpus, caption_indices: Ints) -> dict[str, int]:
    """Tokens of a batch of captions, and how many prefixes and words of them are distinct."""
    tokens = torch.from_numpy(corpus.caption_tokens[caption_indices])
    tree = build_prefix_tree(tokens)
    return {
        "steps a batch": int((tokens != 0).sum()),
        "distinct beginnings": len(tree.last_word_index),
        "distinct words": len(tree.word_ids),
    }


def copy_to_joint_model(reference: ReferenceModel, *, bfloat16: bool) -> JointModel:
    """This project's model with the reference's weights, before it is standardised on a training set."""
    dim = reference.media.out_features
    text = GRUTower(VOCABULARY_SIZE + 4, dim, use_bfloat16=bfloat16)
    model = JointModel(Projection({ROLE: FEATURE_DIM}, dim), text)
    with torch.no_grad():
        model.media.input_layers[ROLE].weight.copy_(reference.media.weight.T)
        model.media.bias.copy_(reference.media.bias)
    text.embedding.load_state_dict(reference.embedding.state_dict())
    text.gru.load_state_dict(reference.gru.state_dict())
    return model


def check_losses_agree(
    reference: ReferenceModel, models: Mapping[str, JointModel], corpus: SyntheticCorpus, batch_size: int
) -> None:
    """Raises AffectError for a model whose loss of a batch differs from the reference's."""
    batch_size = min(batch_size, len(corpus.mean_features))
    for name, model in models.items():
        difference = compute_loss_difference(reference, model, corpus, batch_size)
        if difference > LOSS_TOLERANCE:
            raise AffectError(f"the losses of {name} and of the plain way are {difference:.2g} apart")


@torch.no_grad()
def compute_loss_difference(
    reference: ReferenceModel, model: JointModel, corpus: SyntheticCorpus, batch_size: int
) -> float:
    """Relative difference of the losses of one batch, with a caption for each of `batch_size` videos."""
    captions = np.arange(batch_size) * CAPTIONS_PER_VIDEO
    expected = float(reference_loss(compute_reference_similarity(reference, corpus, captions)))
    training_set = corpus.make_training_set(captions)
    batch = training_set.make_batch(torch.arange(batch_size), torch.Generator())
    return abs(float(model.compute_loss(batch, weighted_ranking())) - expected) / expected
