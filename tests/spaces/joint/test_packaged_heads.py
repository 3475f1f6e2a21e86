"""The heads that come with the package, and what the engine does with them."""

import json
from contextlib import closing

import numpy as np
import pytest
from library_factory import index
from media_factory import clip, float_wav, photo, sine

from encoders.base import AffectError, is_missing_row
from fusion import Calibration
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.search.scoring import IN_DOMAIN_WEIGHT
from retrieval.storage.library import Library
from spaces.joint.io import PACKAGED_HEADS, load_heads, load_packaged_heads, save_heads
from spaces.joint.space import Heads, JointSpace, TextDomain


@pytest.fixture(scope="module")
def experts():
    return FeaturePipeline(PipelineConfig(tone="", faces=""))


def words(experts, *texts):
    return experts.project(experts.encode_text(texts))


def test_all_are_here_and_read_the_packaged_encoders(experts):
    assert set(load_packaged_heads()) == set(PACKAGED_HEADS) == {space.name for space in experts.spaces}
    assert all(isinstance(space, JointSpace) for space in experts.spaces)
    made = json.loads(experts.make_signature())
    for space in experts.spaces:
        assert all(made[role] == signature for role, signature in space.heads.encoder_signatures.items())
        assert space.heads.digest[:12] in made[f"{space.name} space"]
        assert Calibration.from_dict(experts.get_calibration(f"{space.name}.words", "text"))


def test_without_them_the_spaces_are_untrained():
    plain = FeaturePipeline(PipelineConfig(tone="", faces=""), use_packaged=False)
    assert not any(isinstance(space, JointSpace) for space in plain.spaces)
    assert plain.get_calibration("object.words", "text") is None


def test_other_encoders_leave_them_out():
    other = FeaturePipeline(
        PipelineConfig(objects="toy-frames", activity="", sound="toy-sound", events="", tone="", faces="")
    )
    assert not any(isinstance(space, JointSpace) for space in other.spaces)


@pytest.mark.parametrize(
    ("text", "spaces"),
    [
        ("a dog barking", {"object", "audio"}),
        ("sad piano music", {"object", "audio"}),
        ("an angry voice", {"object", "audio"}),
        ("Barbell Curl", {"object", "activity"}),
        ("a red car parked in the street", {"object"}),
        ("children on a beach", {"object"}),
    ],
)
def test_words_are_read_where_they_were_taught(experts, text, spaces):
    said = {
        view.partition(".")[0]
        for view, rows in words(experts, text).items()
        if not is_missing_row(rows).any()
    }
    assert said == spaces


def test_words_find_the_sound_they_name(experts):
    """A purr of noise bursts is no dog; sentence vectors alone decide nothing here, so only that it runs."""
    rows = experts.project({"sound": np.random.default_rng(0).normal(size=(3, 329)).astype(np.float32)})
    assert rows["audio.words"].shape == (3, words(experts, "dog")["audio.words"].shape[1])
    assert np.allclose(np.linalg.norm(rows["audio.words"], axis=1), 1, atol=1e-5)


def test_a_picture_abstains_in_the_space_of_activity(experts):
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    rows = experts.project(experts.encode_media([frames[:1], frames], [None, None], include_affect=False))
    assert is_missing_row(rows["activity.words"]).tolist() == [True, False]
    assert not is_missing_row(rows["object.words"]).any()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    media = folder / "media"
    media.mkdir()
    for seed in range(3):
        photo(media / f"photo{seed}.jpg", 200, 150)
        clip(media / f"clip{seed}.mp4", seconds=2, sound=2 if seed else 0)
        float_wav(media / f"tone{seed}.wav", sine(1.0, 16000, hertz=300 * (seed + 1))[0])
    Library.create(folder / "lib", PipelineConfig(tone="", faces=""), 15.0).close()
    index(folder / "lib", media)
    with closing(Library.open(folder / "lib")) as library, Engine(library) as opened:
        yield opened


def test_a_space_taught_the_words_weighs_more(engine):
    hits = {hit.path: hit for hit in engine.search(Query(text="Barbell Curl", k=50, balance=1))}
    films = [hit for hit in hits.values() if hit.modality == "video"]
    assert films and not [hit for hit in hits.values() if hit.modality == "audio"]
    for hit in films:
        mean = (hit.space_scores["object"] + IN_DOMAIN_WEIGHT * hit.space_scores["activity"]) / (
            1 + IN_DOMAIN_WEIGHT
        )
        assert hit.score == pytest.approx(mean, abs=1e-5) and hit.space_scores["audio"] is None
    for hit in hits.values():
        if hit.modality == "image":  # no picture says anything of an activity, and that is no doubt
            assert hit.space_scores["activity"] is None and hit.score == pytest.approx(
                hit.space_scores["object"], abs=1e-5
            )


def test_given_weights_multiply(engine):
    alone = engine.search(Query(text="Barbell Curl", k=50, weights={"object": 0, "activity": 1, "audio": 1}))
    assert {hit.modality for hit in alone} == {"video"}
    assert all(hit.score == pytest.approx(hit.space_scores["activity"], abs=1e-5) for hit in alone)


def test_words_find_sounds(engine):
    hits = engine.search(Query(text="a dog barking", k=50, modalities=("audio",)))
    assert hits and all(
        0 <= hit.space_scores["audio"] <= 1 and hit.space_scores["object"] is None for hit in hits
    )


def test_heads_survive_their_file(tmp_path, experts):
    for space in experts.spaces:
        save_heads(tmp_path / "h.safetensors", space.heads, {})
        again = JointSpace(
            name=space.name, heads=load_heads(tmp_path / "h.safetensors"), base_space=space.base_space
        )
        said = experts.encode_text(["a dog barking", "Barbell Curl", "a red car"])
        ours, theirs = space.project(said), again.project(said)
        assert all(np.array_equal(ours[view], theirs[view], equal_nan=True) for view in ours)
        assert (
            again.heads.required_roles == space.heads.required_roles
            and again.heads.zero_shot_weight == space.heads.zero_shot_weight
        )


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 100])
def test_a_file_that_holds_no_heads_is_refused(tmp_path, content):
    file = tmp_path / "h.safetensors"
    file.write_bytes(content)
    with pytest.raises(AffectError, match="no trained heads can be read"):
        load_heads(file)


def test_another_format_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "h.safetensors", {"heads": '{"format": 99}'})
    with pytest.raises(AffectError, match="format 99"):
        load_heads(tmp_path / "h.safetensors")


def test_a_domain_is_the_nearest_text():
    texts = np.eye(3, dtype=np.float32)
    domain = TextDomain(in_domain=texts[:1], min_similarity=0.5, out_of_domain=texts[1:2])
    rows = np.array([[1, 0, 0], [0.7, 0.71, 0], [0.4, 0, 0.9], [np.nan] * 3], np.float32)
    assert domain.contains(rows).tolist() == [True, False, False, False]
    assert TextDomain(in_domain=texts[:1], min_similarity=0.5).contains(rows).tolist() == [
        True,
        True,
        False,
        False,
    ]
    assert Heads(members=(), encoder_signatures={}).domain is None
