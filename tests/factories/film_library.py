"""Moods that sound and pictures of made-up videos give, alone and in a library."""

from contextlib import closing
from dataclasses import replace

import numpy as np
from library_factory import TOYS, encoded

from retrieval.storage.library import Library
from retrieval.training.align_affect import Anchors

HEARD = TOYS.replace(sound="", tone="tone")
SEEN = HEARD.replace(objects="efficientnet-lite2", text="minilm")
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])


def ignore_progress(done, count):
    """Nobody watches."""


def make_anchors(noise, seed=0, videos=20, each=6):
    """Sound is the pictures' plane, turned by a right angle and drawn in."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 0.3, (videos * each, 2))
    sound = 0.5 * image @ TURN + rng.normal(0, noise, image.shape)
    return Anchors(
        audio_affect=sound,
        image_affect=image,
        video_ids=np.repeat([f"film {at}" for at in range(videos)], each),
    )


def make_film_library(folder, turned, videos=10, each=4):
    """A library of videos with random rows of objects and of tone, which the real heads read.

    Each row of tone is chosen, of many, for its affect: with `turned` that of the pictures turned by a right
    angle, else any.
    """
    rng = np.random.default_rng(0)
    with closing(Library.create(folder, SEEN, 15.0)) as library, library.lock_for_writing():
        experts = library.pipeline
        dims = {role: experts.get_encoder(role).card.dim for role in ("objects", "tone")}
        count = videos * each
        objects = np.abs(rng.normal(0.3, 0.3, (count, dims["objects"]))).astype(np.float32)
        tone = rng.normal(0, 1.5, (20 * count, dims["tone"])).astype(np.float32)
        points = experts.estimate_affect_by_modality({"objects": objects})["image"][:, :2]
        heard = experts.estimate_affect_by_modality({"tone": tone})["sound"][:, :2]
        unit = (points - points.mean(axis=0)) / points.std(axis=0)
        wanted = (unit @ TURN if turned else rng.normal(size=points.shape)) * heard.std(axis=0) + heard.mean(
            axis=0
        )
        chosen = np.linalg.norm(wanted[:, None] - heard, axis=2).argmin(axis=1)
        kept = tone[chosen].reshape(videos, each, -1)
        items = [encoded(f"film{at}", objects=np.zeros((each, 16)), modality="video") for at in range(videos)]
        library.commit(
            [
                replace(item, features={"objects": objects.reshape(videos, each, -1)[at], "tone": kept[at]})
                for at, item in enumerate(items)
            ]
        )
    return folder
