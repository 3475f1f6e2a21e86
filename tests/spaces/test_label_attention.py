"""Words and sounds through the classes of a sound-event classifier."""

import numpy as np
import pytest

from encoders import ENCODERS, unit_rows
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces import LabelAttentionSpace
from spaces.label_attention import EVENTS_VIEW, SCALE

TEXTS = ["a dog barking", "the sound of rain", "a cello", "a spreadsheet", "justice"]


@pytest.fixture(scope="module")
def space():
    return LabelAttentionSpace("audio", "events", ENCODERS.make("yamnet"), ENCODERS.make("minilm"))


def project_texts(space, texts):
    return space.project({"text": space.text_encoder.encode(texts)})[EVENTS_VIEW]


def make_scores(space, *classes, score=0.9):
    row = np.full(len(space.classifier.classes), 0.001, np.float32)
    row[[space.classifier.classes.index(name) for name in classes]] = score
    return row


def test_texts_attend_to_classes_named_alike_and_abstain_far_from_all(space):
    weights = space.attend(unit_rows(space.text_encoder.encode(TEXTS)))
    names = [space.classifier.classes[row.argmax()] for row in weights[:3]]
    assert names[0] in ("Bark", "Dog", "Bow-wow") and names[1] in ("Rain", "Raindrop") and names[2] == "Cello"
    assert np.allclose(weights[:3].sum(axis=1), 1, atol=1e-5) and np.isnan(weights[3:]).all()


def test_no_text_attends_to_moods_of_music(space):
    weights = space.attend(unit_rows(space.text_encoder.encode(["happy music", "sad piano music"])))
    moods = [space.classifier.classes.index(f"{mood} music") for mood in ("Happy", "Sad", "Scary")]
    assert (weights[:, moods] == 0).all()
    assert [space.classifier.classes[row.argmax()] for row in weights] == ["Music", "Piano"]


def test_a_text_is_compared_with_the_scores_themselves(space):
    scores = np.stack([
        make_scores(space, "Dog", "Bark"), make_scores(space, "Dog", "Bark", score=0.3),
        make_scores(space, "Rain"), make_scores(space),
    ])  # fmt: skip
    rows = space.project({"events": scores})[EVENTS_VIEW]
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    (weights,) = space.attend(unit_rows(space.text_encoder.encode(["a dog barking"])))
    cosines = (project_texts(space, ["a dog barking"]) @ rows.T)[0]
    assert np.allclose(cosines, np.sqrt(scores) @ weights / np.linalg.norm(weights) / SCALE, atol=1e-4)
    assert (np.diff(cosines[[3, 2, 1, 0]]) > -0.01).all() and cosines[0] > cosines[1] > cosines[2] + 0.05


def test_sounds_are_compared_by_their_scores(space):
    scores = np.stack([
        make_scores(space, "Dog"), make_scores(space, "Dog", score=0.5), make_scores(space, "Cello"),
        np.full(len(space.classifier.classes), np.nan, np.float32),
    ])  # fmt: skip
    rows = space.project({"events": scores})[EVENTS_VIEW]
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2
    assert np.isnan(rows[3]).all()


def test_scores_that_would_be_longer_than_a_row_are_shortened(space):
    scores = np.ones((1, len(space.classifier.classes)), np.float32)
    (row,) = space.project({"events": scores})[EVENTS_VIEW]
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5) and abs(row[-1]) < 1e-3


def test_the_events_role_gives_the_audio_space_a_view():
    pipeline = FeaturePipeline(PipelineConfig())
    assert "audio.events" not in FeaturePipeline(PipelineConfig(events="")).project(
        {"text": np.ones((1, 384))}
    )
    features = {"events": make_scores(pipeline_space(pipeline), "Dog")[None]}
    assert "audio.events" in pipeline.project(features)
    assert "audio.events" in pipeline.project(pipeline.encode_text(["a dog"]))
    assert "events" in pipeline.make_signature()


def pipeline_space(pipeline):
    return LabelAttentionSpace(
        "audio", "events", pipeline.get_encoder("events"), pipeline.get_encoder("text")
    )
