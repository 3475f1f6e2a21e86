"""The video tower: CLIP itself at one frame, proxy-guided attention, time."""

import pytest
import torch
from clip_factory import PATCHES, SIDE, WIDTH, make_clip, make_model, make_videos
from torch.nn.functional import normalize

from encoders.clipvip.proxy_attention import attend_proxy_guided, make_proxy_mask


def test_one_frame_without_added_proxies_is_clip():
    frames = make_videos(frames=1)
    clip = make_clip()
    wanted = normalize(clip.get_image_features(frames[:, 0]).pooler_output, dim=1)
    model = make_model(make_clip(), added_proxies=0, temporal=0)
    assert (model.encode_video(frames) - wanted).abs().max() < 1e-6


@pytest.mark.parametrize("frames", [1, 5, 12, 24])
def test_attention_is_that_of_the_mask(frames):
    """Through all blocks: the encoder with a dense mask gives the same features."""
    videos = make_videos(frames=frames)
    model = make_model()
    guided = model.video(videos)
    vision = model.video.vision_model
    allowed = make_proxy_mask(4, frames, PATCHES)
    vision.set_attn_implementation("eager")
    encode = vision.encoder.forward
    vision.encoder.forward = lambda inputs_embeds, proxies, frames: encode(
        inputs_embeds, torch.zeros(allowed.shape).masked_fill(~allowed, -torch.inf)[None, None]
    )
    dense = model.video(videos)
    assert (guided - dense).abs().max() < 1e-5
    vision.encoder.forward = lambda inputs_embeds, proxies, frames: encode(inputs_embeds, None)
    if frames > 1:
        assert (model.video(videos) - dense).abs().max() > 1e-3  # the mask matters


def test_a_mask_or_other_tokens_are_refused():
    query = torch.zeros(1, 2, 10, 4)
    with pytest.raises(ValueError, match="10 tokens are not 4 proxies and 4 frames"):
        attend_proxy_guided(None, query, query, query, proxies=4, frames=4)
    with pytest.raises(ValueError, match="without a mask"):
        attend_proxy_guided(None, query, query, query, torch.zeros(1), proxies=4, frames=3)


def test_frames_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="with T > 0"):
        make_model().video(torch.zeros(1, 0, 3, SIDE, SIDE))
    with pytest.raises(ValueError, match="frames must be"):
        make_model().video(torch.zeros(1, 3, SIDE, SIDE))


def test_the_order_of_frames_matters_only_by_the_temporal_embedding():
    videos = make_videos()
    reverse = videos.flip(1)
    model = make_model(temporal=0)
    assert (model.video(videos) - model.video(reverse)).abs().max() < 1e-5
    model = make_model(temporal=0.5)
    assert (model.video(videos) - model.video(reverse)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("frames", "positions"),
    [
        (1, [5.5]),
        (6, [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]),
        (8, [0.25, 1.75, 3.25, 4.75, 6.25, 7.75, 9.25, 10.75]),
        (12, list(range(12))),
    ],
)
def test_other_numbers_of_frames_are_interpolated(frames, positions):
    model = make_model()
    with torch.no_grad():
        model.video.temporal_embedding.copy_(torch.arange(12.0)[None, :, None].expand(1, 12, WIDTH))
    found = model.video.interpolate_temporal_embedding(frames)[:, 0]
    assert found.tolist() == pytest.approx(positions)


def test_proxies_are_drawn_from_the_standard_normal():
    drawn = torch.cat([make_model(seed=seed).video.added_proxies.detach() for seed in range(40)])
    assert drawn.std().item() == pytest.approx(1, abs=0.05)
    assert not make_model(temporal=0).video.temporal_embedding.any()


def test_affect_starts_as_nothing_and_missing_affect_stays_nothing():
    videos = make_videos(3)
    model = make_model(affect_dim=2)
    affect = torch.tensor([[0.5, -0.2], [torch.nan, 0.3], [torch.nan, torch.nan]])
    plain = model.video(videos)
    assert torch.equal(model.video(videos, affect), plain)
    with torch.no_grad():
        model.video.affect_residual.gate.fill_(1.0)
    moved = (model.video(videos, affect) - plain).abs().amax(1)
    assert moved[0] > 1e-4 and moved[1] > 1e-4 and moved[2] == 0


def test_a_step_of_training_reaches_every_weight():
    model = make_model()
    model.video(make_videos()).square().sum().backward()
    without = [name for name, value in model.video.named_parameters() if value.grad is None]
    assert without == []
