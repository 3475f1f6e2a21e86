import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_loops import DOUBLE, assert_equal, batches, joint_loop, nce_loop

from losses import info_nce, joint_info_nce, make_same_item_mask, source_wise_info_nce


@settings(max_examples=40)
@given(batches(), st.floats(0.05, 2))
def test_infonce_equals_the_loop(batch, temperature):
    similarity, same, pairs = batch
    assert_equal(
        lambda s, t: info_nce(s, t, same, pairs),
        lambda s, t: nce_loop(s, same, pairs, t),
        similarity,
        torch.tensor(temperature, dtype=DOUBLE),
    )


@pytest.mark.parametrize("groups", [None, [0, 1, 0, 2, 3], [0, 0, 0, 0, 0]])
def test_source_wise_forms_equal_their_loops(groups):
    generator = torch.Generator().manual_seed(3)
    rows = [torch.randn(5, 4, generator=generator, dtype=DOUBLE) for _ in range(4)]
    rows = [torch.nn.functional.normalize(one) for one in rows]
    same = None if groups is None else make_same_item_mask(torch.tensor(groups))
    heat = torch.tensor(0.3, dtype=DOUBLE)

    def pair(left, right, t):
        return nce_loop(left @ right.T, same, None, t)

    spelt = {
        "a": lambda v, f, s, c, t: pair(v, s, t) + pair(f, c, t),
        "b": lambda v, f, s, c, t: pair(v, s, t) + pair(v, c, t) + 0 * f.sum(),
        "c": lambda v, f, s, c, t: pair(v, s, t) + pair(v, c, t) + pair(f, c, t),
        "d": lambda v, f, s, c, t: joint_loop(v @ s.T, v @ c.T, t, same) + pair(f, c, t),
    }
    for form, loop in spelt.items():
        assert_equal(
            lambda v, f, s, c, t, form=form: source_wise_info_nce(v, f, s, c, form, t, same) + 0 * f.sum(),
            loop,
            *rows,
            heat,
        )


def test_the_joint_pool_is_harder_than_two_pools():
    generator = torch.Generator().manual_seed(4)
    subtitles, captions = (torch.rand(6, 6, generator=generator) for _ in range(2))
    apart = (info_nce(subtitles, 0.1) + info_nce(captions, 0.1)) / 2
    assert joint_info_nce(subtitles, captions, 0.1) > apart
    with pytest.raises(ValueError, match="known: a, b, c, d"):
        source_wise_info_nce(*[torch.eye(2)] * 4, form="e")


def test_the_released_code_weighs_the_two_texts_of_form_d_twice():
    torch.manual_seed(0)
    rows = [torch.nn.functional.normalize(torch.randn(5, 4, dtype=DOUBLE), dim=1) for _ in range(4)]
    video, frame, subtitle, caption = rows
    joint = joint_info_nce(video @ subtitle.T, video @ caption.T)
    of_frames = info_nce(frame @ caption.T)
    assert source_wise_info_nce(*rows).item() == pytest.approx((joint + of_frames).item())
    summed = source_wise_info_nce(*rows, text_reduction="sum")
    assert summed.item() == pytest.approx((2 * joint + of_frames).item())
    with pytest.raises(ValueError, match="no reduction 'max'; known: mean, sum"):
        source_wise_info_nce(*rows, text_reduction="max")
