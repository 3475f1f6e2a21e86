"""What a text says of the medium is not read for its affect."""

import numpy as np
import pytest

from retrieval.affect import predict_text_affect
from retrieval.features import FeaturePipeline, PipelineConfig, strip_media_prompt


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("A photo of a beach", "a beach"), ("the picture  of\na dog", "a dog"), ("my pics with cats", "cats"),
        ("footage showing a riot", "a riot"), ("a beach", "a beach"), ("a photo", "a photo"),
        ("a photo of ", "a photo of "), ("a sad photo of a beach", "a sad photo of a beach"), ("", ""),
        ("photosynthesis of plants", "photosynthesis of plants"),
    ],
)  # fmt: skip
def test_the_prompt_is_taken_off_and_nothing_else(text, left):
    assert strip_media_prompt(text) == left
    assert strip_media_prompt(left) == left


def test_a_photo_of_something_has_the_affect_of_the_thing():
    pipeline = FeaturePipeline(PipelineConfig())
    things = ["a beach", "War", "a crying baby"]
    prompted = [f"a photo of {thing}" for thing in things]
    np.testing.assert_array_equal(
        pipeline.estimate_text_affect(prompted), pipeline.estimate_text_affect(things)
    )
    for prompted_record, record in zip(
        predict_text_affect(pipeline, prompted), predict_text_affect(pipeline, things), strict=True
    ):
        assert prompted_record["affect"] == record["affect"] and prompted_record["why"] == record["why"]
        assert prompted_record["text"].startswith("a photo of ")
