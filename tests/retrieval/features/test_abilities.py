"""What a library can't do for want of an encoder, and that the command says so."""

import json

import pytest
from command_output import ok
from library_factory import gallery

from retrieval.features import ROLES, FeaturePipeline, PipelineConfig, list_lost_abilities

LOST = {
    "text=": {"search of pictures by words", "search of sounds by words", "affect of pictures"},
    "objects=": {"search of pictures by words", "search of pictures by example", "affect of pictures"},
    "sound=": {"trained heads for sounds"}, "events=": {"sound events"}, "tone=": {"affect of sounds"},
    "faces=": {"affect of faces"}, "sentiment=": {"affect of words, thus moods other than landmarks"},
    "activity=": {"search of activities by words", "trained heads for activities"},
    "objects=image-1721": {"trained heads for pictures", "labels of pictures"},
}  # fmt: skip


@pytest.fixture(scope="module")
def reference():
    return FeaturePipeline(PipelineConfig.default())


@pytest.mark.parametrize("spec", LOST)
def test_what_is_lost_with_an_encoder(reference, spec):
    pipeline = FeaturePipeline(PipelineConfig.parse(spec))
    assert LOST[spec] <= set(list_lost_abilities(pipeline, reference))


def test_every_role_is_for_something_and_its_own_encoders_lose_nothing(reference):
    assert not list_lost_abilities(reference, reference)
    for role in ROLES:
        assert list_lost_abilities(FeaturePipeline(PipelineConfig.parse(f"{role}=")), reference), role


def test_the_summary_says_it_in_one_line(tmp_path):
    media, lib = gallery(tmp_path / "media", photos=1), tmp_path / "lib"
    words = ("index", media, "--library", lib, "--encoders", "text=,faces=,activity=")
    (line,) = [line for line in ok(*words).splitlines() if "--encoders" in line]
    assert "without search of pictures by words" in line and "affect of pictures" in line
    assert "affect of faces" in json.loads(ok(*words, "--json"))["without"]
    assert "without" not in ok("index", media, "--library", lib)
