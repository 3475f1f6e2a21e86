import pytest
import torch
from loss_loops import DOUBLE

from losses import ccc_loss, concordance, mapping_loss


def test_mapping_loss_by_hand():
    audio, image = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    old_audio, old_image = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 6.0]])
    assert mapping_loss(audio, image, old_audio, old_image).item() == 25 + 1 + 4
    assert (
        mapping_loss(audio, image, old_audio, old_image, agreement_weight=0, image_weight=0.5).item() == 1 + 2
    )
    twice = [one.repeat(2, 1) for one in (audio, image, old_audio, old_image)]
    assert mapping_loss(*twice).item() == 60
    assert mapping_loss(*twice, reduction="mean").item() == 30
    for bad in ((audio[0], image, old_audio, old_image), (audio, image, old_audio, old_image[:, :1])):
        with pytest.raises(ValueError):
            mapping_loss(*bad)
    with pytest.raises(ValueError):
        mapping_loss(*twice, agreement_weight=-1)


def test_ccc_goldens():
    """PROTOCOL's values; with the sample variance the first would be .9777."""
    found = torch.tensor([[3, -0.5, 2, 7], [2.5, 0, 2, 8]], dtype=DOUBLE)[:, :, None]
    assert concordance(*found).item() == pytest.approx(0.9768, abs=5e-5)
    short = torch.tensor([[[0.1], [0.3]], [[0.1], [0.2]]], dtype=DOUBLE)
    assert ccc_loss(*short).item() == pytest.approx(1 - 0.6667, abs=5e-5)


def test_ccc_is_of_each_dimension_and_constants_have_a_finite_gradient():
    truth = torch.tensor([[0.0, 1.0, 0.1], [1.0, 0.0, 0.1], [0.5, 0.5, 0.1]])
    found = torch.tensor([[0.0, 0.0, 0.1], [1.0, 1.0, 0.1], [0.5, 0.5, 0.1]], requires_grad=True)
    loss = ccc_loss(found, truth)
    assert loss.tolist() == [0, 2, 1]
    loss.sum().backward()
    assert torch.isfinite(found.grad).all()
    for bad in (truth[0], truth[:, :2], truth[:0]):
        with pytest.raises(ValueError):
            concordance(truth, bad)
