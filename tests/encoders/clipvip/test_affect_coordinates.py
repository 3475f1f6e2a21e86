"""Affect as coordinates of its own: texts without emotion keep the content's similarities to the bit."""

import math

import pytest
import torch
from clip_factory import make_clip, make_model, make_texts, make_videos
from torch.nn.functional import normalize

from encoders.clipvip.affect_coordinates import VideoCoordinates, join_affect
from encoders.clipvip.checkpoint_keys import load_released_weights
from encoders.clipvip.config import AFFECT_COORDINATES, LOGIT_SCALE, EmotionConfig
from encoders.clipvip.io import load_model, save_model

COORDINATES = EmotionConfig(conditioning=AFFECT_COORDINATES, coordinates=4)
EMOTIONS = torch.eye(8)[[0, 3, 5]]
AFFECT = torch.tensor([[0.5, -0.2], [torch.nan, 0.3], [torch.nan, torch.nan]])


def make_trained(affect_dim=2):
    """A model whose texts have coordinates other than 0, as after training."""
    model = make_model(make_clip(), emotions=COORDINATES, affect_dim=affect_dim)
    with torch.no_grad():
        model.text.conditioning.table.normal_()
        model.text.conditioning.readout.weight.normal_(std=0.1)
    return model


@torch.no_grad()
def encode(model, emotions=EMOTIONS, affect=AFFECT):
    return model.encode_text(*make_texts(), emotions), model.encode_video(make_videos(3), affect)


def test_rows_are_unit_rows_and_their_cosine_is_the_mean_of_content_and_affect():
    texts, videos = encode(make_trained())
    for rows in (texts, videos):
        assert rows.shape == (3, 16 + 4 + 2)
        assert (rows.norm(dim=1) - 1).abs().max() < 1e-6
        assert (rows[:, :16].norm(dim=1) - math.sqrt(0.5)).abs().max() < 1e-6
    content = normalize(texts[:, :16], dim=1) @ normalize(videos[:, :16], dim=1).T
    affect = 2 * texts[:, 16:] @ videos[:, 16:].T
    assert (texts @ videos.T - (content + affect) / 2).abs().max() < 1e-6
    assert affect.abs().max() < 1 and affect[:, :2].abs().min() > 1e-4


def test_without_emotion_every_video_is_as_far_as_by_its_content_alone():
    model = make_trained()
    texts, videos = encode(model, torch.zeros(3, 8))
    plain_texts, plain_videos = encode(model, None, None)
    assert torch.equal(texts, plain_texts)
    assert torch.equal(videos[:, :16], plain_videos[:, :16])
    assert not (videos[:, 16:] == plain_videos[:, 16:]).all(dim=1)[:2].any()  # the affect is there
    assert not (texts[:, 16:] * videos[:, None, 16:]).any()  # and adds exactly nothing


def test_a_video_without_affect_is_as_far_as_by_its_content_whatever_the_emotion():
    texts, videos = encode(make_trained())
    assert videos[2, 16:-1].eq(0).all()
    assert not (texts[:, 16:] * videos[2, 16:]).any()
    unknown = encode(make_trained(affect_dim=0))[1]
    assert unknown[:, 16:-1].eq(0).all()


def test_it_starts_as_the_towers_without_emotions():
    texts, videos = encode(make_model(make_clip(), emotions=COORDINATES, affect_dim=2, temporal=0))
    plain_texts, plain_videos = encode(make_model(make_clip(), temporal=0))
    assert (2 * texts @ videos.T - plain_texts @ plain_videos.T).abs().max() < 1e-6


def test_the_first_step_moves_the_coordinates_of_texts():
    model = make_model(make_clip(), emotions=COORDINATES, affect_dim=2)
    texts = model.encode_text(*make_texts(), EMOTIONS)
    (texts @ model.encode_video(make_videos(3), AFFECT).T).diagonal().sum().backward()
    moved = model.text.conditioning.table.grad.abs().sum(1) > 0
    assert model.text.conditioning.readout.weight.grad.any()
    assert moved.tolist() == [True, False, False, True, False, False, False, False]  # the third has no affect


def test_the_end_token_is_read_where_there_is_an_emotion():
    model = make_trained()
    with torch.no_grad():
        model.text.conditioning.table.zero_()
    texts = encode(model, torch.eye(8)[[0, 0, 0]])[0]
    assert (texts[0, 16:] - texts[1, 16:]).abs().max() > 1e-3  # the same emotion in other words
    assert encode(model, torch.zeros(3, 8))[0][:, 16:20].eq(0).all()


def test_the_logit_scale_makes_up_for_the_half():
    assert make_trained().logit_scale.item() == pytest.approx(LOGIT_SCALE + math.log(2))
    released = make_clip(5).state_dict()
    model = make_trained()
    load_released_weights(model, released)
    assert model.logit_scale.item() == pytest.approx(released["logit_scale"].item() + math.log(2))


def test_it_survives_a_file(tmp_path):
    model = make_trained()
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.config.feature_dim == 22 and loaded.config.emotions == COORDINATES
    for ours, theirs in zip(encode(model), encode(loaded), strict=True):
        assert torch.equal(ours, theirs)


def test_large_coordinates_stay_bounded():
    texts = join_affect(torch.ones(1, 3), torch.full((1, 4), 1e6), is_text=True)
    videos = VideoCoordinates(2, 4)(torch.ones(1, 3), torch.full((1, 2), 1e6))
    assert torch.isfinite(texts).all() and (texts @ videos.T).abs().item() <= 2 + 1e-5


def test_no_coordinates_are_refused():
    with pytest.raises(ValueError, match="coordinates must be 1 or more"):
        EmotionConfig(coordinates=0)
