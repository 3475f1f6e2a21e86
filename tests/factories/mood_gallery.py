"""A gallery of toy pictures: three contents, whose faces show seven expressions."""

import numpy as np
from library_factory import random_rows
from mood_library import FACED, face

from encoders.face_columns import EMOTIONS
from experiments.affect_dial.gallery import Gallery, GalleryQuery, make_item_id
from retrieval.features import FeaturePipeline
from spaces.circumplex import LANDMARKS

CONTENTS, PER_CONTENT = 3, 2 * len(EMOTIONS)
TRUTH = {"angry": LANDMARKS["angry"], "happy": LANDMARKS["happy"], "sad": LANDMARKS["sad"]}


def make_gallery(name="toy"):
    """Items of a content have rows near each other; the last of each shows no face and has no rating."""
    centres, noise = random_rows(CONTENTS, 1), random_rows(CONTENTS * PER_CONTENT, 2)
    content = np.repeat(np.arange(CONTENTS), PER_CONTENT)
    shown = [EMOTIONS[number % len(EMOTIONS)] for number in range(len(content))]
    faces = np.concatenate([face(emotion) for emotion in shown])
    affect = np.array([TRUTH.get(emotion, (0.0, 0.0)) for emotion in shown])
    silent = np.arange(PER_CONTENT - 1, len(content), PER_CONTENT)
    faces[silent], affect[silent] = np.nan, np.nan
    plain = [
        GalleryQuery(
            parts={"item": make_item_id(number)},
            relevant=frozenset(np.flatnonzero(content == content[number]).tolist()) - {number},
            group=f"content {content[number]}",
        )
        for number in range(0, len(content), 5)
    ]
    worded = [
        GalleryQuery(
            parts={**query.parts, "text": text}, relevant=query.relevant, group=query.group, target=target
        )
        for query in plain
        for text, target in (("a sad one", LANDMARKS["sad"]), ("a thing", None))
    ]
    return Gallery(
        name=name,
        description=f"{len(content)} toys",
        modality="image",
        pipeline=FeaturePipeline(FACED.replace(sentiment="minilm-affect", sound="")),
        features={"objects": (centres[content] + 0.6 * noise).astype(np.float32), "faces": faces},
        affect=affect,
        content_queries=plain,
        worded_queries=worded,
    )
