import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.base import unit_rows
from spaces.base import IdentitySpace
from spaces.joint.space import (
    Heads,
    JointSpace,
    Layer,
    LinearInput,
    TextDomain,
    Tower,
    TowerPair,
    stack_weighted,
)

WIDTHS = {"objects": 5, "sound": 3}
NOTHING = IdentitySpace("nothing", {})


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def reader(width, dim, seed):
    return LinearInput(
        mean=normal(width, seed=seed),
        scale=1 + np.abs(normal(width, seed=seed + 1)),
        weight=normal(width, dim, seed=seed + 2),
        absent=normal(dim, seed=seed + 3),
    )


def member(*roles, dim=4, seed=0, weight=1.0):
    """One with random towers, words of 6 columns."""
    media = {role: reader(WIDTHS[role], dim, seed + 10 * n) for n, role in enumerate(roles, 1)}
    return TowerPair(
        media=Tower(inputs=media, bias=normal(dim, seed=seed + 5)),
        text=Tower(inputs={"text": reader(6, dim, seed + 6)}, bias=normal(dim, seed=seed + 7)),
        weight=weight,
    )


def space(*members, base=NOTHING, **more):
    heads = Heads(members=members, encoder_signatures={}, digest="0123456789abcdef", **more)
    return JointSpace(name="joint", heads=heads, base_space=base)


def media_and_words(seed=0):
    return {role: normal(7, width, seed=seed + width) for role, width in WIDTHS.items()}, {
        "text": normal(9, 6, seed=seed + 1)
    }


@st.composite
def parts(draw):
    """Media and words of up to four members, of different widths, with their shares."""
    count = draw(st.integers(1, 4))
    shares = np.array(draw(st.lists(st.floats(1e-3, 1e3), min_size=count, max_size=count)))
    widths = draw(st.lists(st.integers(1, 6), min_size=count, max_size=count))
    seed = draw(st.integers(0, 2**16))
    media = [unit_rows(normal(3, width, seed=seed + n)) for n, width in enumerate(widths)]
    text = [unit_rows(normal(2, width, seed=seed + 50 + n)) for n, width in enumerate(widths)]
    return media, text, shares


@settings(max_examples=60)
@given(parts())
def test_one_cosine_of_the_stack_is_the_weighted_mean_of_the_cosines(drawn):
    media, text, shares = drawn
    found = stack_weighted(media, shares) @ stack_weighted(text, shares).T
    cosines = [left @ right.T for left, right in zip(media, text, strict=True)]
    np.testing.assert_allclose(found, np.average(cosines, axis=0, weights=shares), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(stack_weighted(media, shares), axis=1), 1, atol=1e-6)


@settings(max_examples=30)
@given(parts(), st.data())
def test_where_some_parts_are_missing_the_others_speak_alone(drawn, data):
    media, _, shares = drawn
    spoken, row = data.draw(st.integers(0, len(media) - 1)), data.draw(st.integers(0, 2))
    whole = stack_weighted(media, shares)
    for number, part in enumerate(media):
        if number != spoken:
            part[row] = np.nan
    found, others = stack_weighted(media, shares), [at for at in range(3) if at != row]
    np.testing.assert_array_equal(found[others], whole[others])
    starts = np.cumsum([0, *(part.shape[1] for part in media)])
    alone = found[row, starts[spoken] : starts[spoken + 1]]
    np.testing.assert_allclose(alone, unit_rows(media[spoken][row : row + 1])[0], atol=1e-5)
    media[spoken][row] = np.nan
    assert np.isnan(stack_weighted(media, shares)[row]).all()


def test_a_tower_by_hand():
    """Half the row less its mean, a bias, a ReLU and one layer; unit length at the end."""
    entrance = LinearInput(
        mean=np.float32([1, 1]),
        scale=np.float32([2, 2]),
        weight=np.eye(2, dtype=np.float32),
        absent=np.float32([2, 5]),
    )
    layer = Layer(weight=np.float32([[1, 1], [0, 1]]), bias=np.float32([0, 1]))
    tower = Tower(inputs={"objects": entrance}, bias=np.float32([-1, -1]), layers=(layer,))
    rows = tower({"objects": np.float32([[9, -7]])})  # (4, -4) - 1 -> (3, 0) -> (3, 3 + 1)
    np.testing.assert_allclose(rows, [[0.6, 0.8]], atol=1e-6)
    other = reader(3, 2, 0)
    both = Tower(inputs={"objects": entrance, "sound": other}, bias=np.float32([-1, -1]), layers=(layer,))
    said = normal(1, 3)
    for silent in ({}, {"objects": np.full((1, 2), np.nan, np.float32)}):  # (2, 5) stands in either way
        first = np.maximum(other(said) + entrance.absent - 1, 0)
        want = first @ layer.weight + layer.bias
        np.testing.assert_allclose(both({"sound": said, **silent}), unit_rows(want), atol=1e-6)


def test_towers_are_missing_only_where_every_role_is():
    tower = member("objects", "sound").media
    objects, sound = normal(4, 5), normal(4, 3)
    objects[1, 2] = sound[2, 0] = np.nan
    objects[3] = sound[3] = np.nan
    rows = tower({"objects": objects, "sound": sound})
    assert np.isnan(rows).any(1).tolist() == [False, False, False, True]
    assert np.isnan(tower({"objects": objects})).any(1).tolist() == [False, True, False, True]
    assert np.isnan(objects[1, 2]) and not np.isnan(objects[1, 0])  # what was given stays as it was
    with pytest.raises(KeyError, match="objects, sound"):
        tower({"faces": objects})


def test_words_meet_media_by_the_weighted_mean_of_the_members():
    one, other = member("objects", dim=4), member("objects", dim=3, seed=100, weight=3.0)
    media, text = media_and_words()
    joint = space(one, other)
    found = joint.project(media)["words"] @ joint.project(text)["words"].T
    unit = {"text": unit_rows(text["text"])}
    want = (one.media(media) @ one.text(unit).T + 3 * other.media(media) @ other.text(unit).T) / 4
    np.testing.assert_allclose(found, want, atol=1e-6)
    assert joint.heads.roles == ("objects",)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_base_joins_with_its_share_and_keeps_its_other_views(share):
    one, other = member("objects"), member("objects", "sound", seed=50, weight=2.0)
    base = IdentitySpace("zero", {"objects": "words", "sound": "looks", "text": "words"}, version="zero-7")
    media, text = {"objects": normal(7, 6), "sound": normal(7, 3)}, {"text": normal(9, 6, seed=1)}
    media["objects"][2] = np.nan
    wide = LinearInput(mean=normal(6), scale=np.ones(6, np.float32), weight=normal(6, 4), absent=normal(4))
    one = dataclasses.replace(one, media=Tower(inputs={"objects": wide}, bias=normal(4)))
    other = dataclasses.replace(other, media=Tower(inputs={"objects": wide}, bias=normal(4, seed=9)))
    joint = space(one, other, base=base, zero_shot_weight=share)
    seen, said = joint.project(media), joint.project(text)
    unit = {"text": unit_rows(text["text"])}
    trained = (one.media(media) @ one.text(unit).T + 2 * other.media(media) @ other.text(unit).T) / 3
    zero_shot = unit_rows(media["objects"]) @ unit["text"].T
    want = (1 - share) * trained + share * zero_shot
    np.testing.assert_allclose(seen["words"] @ said["words"].T, want, atol=1e-6)
    assert np.isnan(seen["words"]).all(1).tolist() == [at == 2 for at in range(7)]
    assert set(seen) == {"words", "looks"} and set(said) == {"words"}
    np.testing.assert_array_equal(seen["looks"], base.project(media)["looks"])


def test_a_base_without_words_keeps_its_views():
    base = IdentitySpace("sounds", {"sound": "timbre"})
    media, text = media_and_words()
    alone, joint = space(member("sound")), space(member("sound"), base=base)
    found = joint.project(media)
    assert set(found) == {"words", "timbre"}
    np.testing.assert_array_equal(found["words"], alone.project(media)["words"])
    np.testing.assert_array_equal(found["timbre"], unit_rows(media["sound"]))
    assert set(joint.project(text)) == {"words"}


def test_unrelated_roles_have_no_words():
    base = IdentitySpace("zero", {"faces": "expression", "objects": "words", "text": "words"})
    assert space(member("objects")).project({"faces": normal(3, 2)}) == {}
    joint = space(member("objects"), base=base, zero_shot_weight=0.5)
    assert set(joint.project({"faces": normal(3, 2)})) == {"expression"}
    assert joint.project({}) == {}


def test_texts_alone_have_words_alone():
    _, text = media_and_words()
    text["text"][4] = np.nan
    found = space(member("objects", "sound")).project(text)
    assert set(found) == {"words"}
    assert np.isnan(found["words"]).all(1).tolist() == [at == 4 for at in range(9)]


def test_what_one_member_cannot_read_has_no_words():
    """Part of a stack has nothing to be compared with."""
    both = space(member("objects"), member("sound", seed=50))
    media, text = media_and_words()
    assert both.heads.roles == ("objects", "sound")
    assert both.project(media)["words"].shape[1] == both.project(text)["words"].shape[1] == 8
    assert both.project({"sound": media["sound"]}) == {}


def test_one_role_of_several_is_enough():
    media, _ = media_and_words()
    joint = space(member("objects", "sound"))
    found = joint.project({"sound": media["sound"]})["words"]
    silent = np.full_like(media["objects"], np.nan)
    np.testing.assert_array_equal(found, joint.project({**media, "objects": silent})["words"])
    assert not np.isnan(found).any()


def test_texts_outside_the_domain_have_no_words():
    _, text = media_and_words()
    domain = TextDomain(in_domain=unit_rows(text["text"][[1, 3]]), min_similarity=0.9)
    text["text"][3] *= 0.1  # only the direction counts
    text["text"][5] = text["text"][1] + 0.01
    text["text"][6] = -text["text"][1]
    text["text"][7] = np.nan
    holds = np.isin(np.arange(9), [1, 3, 5])
    np.testing.assert_array_equal(domain.contains(unit_rows(text["text"])), holds)
    base = IdentitySpace("zero", {"objects": "words", "text": "words"})
    limited = space(member("objects"), base=base, zero_shot_weight=0.5, domain=domain)
    free = space(member("objects"), base=base, zero_shot_weight=0.5)
    found, known = limited.project(text)["words"], free.project(text)["words"]
    np.testing.assert_array_equal(found[holds], known[holds])
    said = np.flatnonzero(~holds & ~np.isnan(text["text"]).any(1))
    width = text["text"].shape[1]  # of the base, which stands last and speaks alone
    assert not found[said][:, :-width].any() and np.isnan(found[7]).all()
    np.testing.assert_allclose(found[said][:, -width:], unit_rows(text["text"][said]), atol=1e-6)
    mute = space(member("objects"), domain=domain).project(text)["words"]
    np.testing.assert_array_equal(np.isnan(mute).all(1), ~holds)
    media = {"objects": normal(7, 5)}
    np.testing.assert_array_equal(limited.project(media)["words"], free.project(media)["words"])


def test_the_version_changes_with_the_weights_and_the_base():
    base = IdentitySpace("zero", {"objects": "words"}, version="zero-1")
    known = space(member("objects"), base=base)
    other = dataclasses.replace(known.heads, digest="f" * 64)
    versions = [
        known.version,
        dataclasses.replace(known, heads=other).version,
        dataclasses.replace(known, base_space=dataclasses.replace(base, version="zero-2")).version,
    ]
    assert len(set(versions)) == len(versions)
    assert dataclasses.replace(known, name="other").version == known.version
