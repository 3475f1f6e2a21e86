"""The reference loop of JEMC trains as this project's does."""

import numpy as np
import torch

from experiments.benchmarks.jemc_comparison import compute_loss_difference, copy_to_joint_model
from experiments.benchmarks.jemc_corpus import CAPTIONS_PER_VIDEO, write_corpus
from experiments.benchmarks.jemc_reference_loop import ReferenceModel, ReferenceTrainer
from losses.ranking import weighted_ranking
from spaces.joint.schedule import RELEASED_SCHEDULE, Schedule
from spaces.joint.training import Trainer


def test_reference_loop_trains_identically(tmp_path):
    """Ours without means and scales, on videos that meet once: the same weights after the same batches."""
    corpus = write_corpus(tmp_path, 12, seed=0)
    texts = np.arange(12) * CAPTIONS_PER_VIDEO
    torch.manual_seed(0)
    plain = ReferenceModel(8)
    ours = copy_to_joint_model(plain, bfloat16=False)
    ours.fit_standardisation = lambda material: None
    optimiser = torch.optim.Adam(plain.parameters(), lr=RELEASED_SCHEDULE.rate)
    for _ in range(3):
        ReferenceTrainer(plain, corpus, 12, 0, optimiser).run(texts)
    schedule = Schedule(epochs=3, batch=12, rate=RELEASED_SCHEDULE.rate)
    Trainer(
        model=ours,
        training_set=corpus.make_training_set(texts),
        loss=weighted_ranking(),
        schedule=schedule,
        seed=0,
    ).run()
    assert compute_loss_difference(plain, ours, corpus, 12) < 1e-4
    assert torch.allclose(ours.text.gru.weight_hh_l0, plain.gru.weight_hh_l0, atol=1e-5)


def test_losses_differ_with_other_weights(tmp_path):
    corpus = write_corpus(tmp_path, 4, seed=0)
    assert (corpus.make_training_set(np.arange(8)).features["resnet"] >= 0).all()
    plain, other = ReferenceModel(8), ReferenceModel(8)
    assert compute_loss_difference(plain, copy_to_joint_model(plain, bfloat16=False), corpus, 4) < 1e-5
    assert compute_loss_difference(plain, copy_to_joint_model(other, bfloat16=False), corpus, 4) > 1e-3
