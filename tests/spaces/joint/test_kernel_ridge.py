import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.base import unit_rows
from spaces.base import Direct
from spaces.joint.io import load_heads, save_heads
from spaces.joint.kernel_ridge import (
    Kernel,
    class_weights,
    kernel_member,
    kernel_ridge,
    landmarks,
    targets,
    unit64,
    whitening,
    wording,
)
from spaces.joint.space import Domain, Heads, JointSpace, gaussian

WIDTH, WORDS = 7, 6


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def lesson(count=60, seed=0):
    """Rows of three classes, each told of by its own prompts; the third column never changes."""
    classes = np.repeat(["a", "b", "c"], [count // 2, count // 3, count - count // 2 - count // 3])
    rows = (
        normal(count, WIDTH, seed=seed)
        + 2 * normal(3, WIDTH, seed=9)[np.unique(classes, return_inverse=True)[1]]
    )
    rows[:, 2] = 1
    prompts, strangers = normal(9, WORDS, seed=1), normal(20, WORDS, seed=2)
    matches = np.array([[name == "abc"[at % 3] for at in range(9)] for name in classes], float)
    return rows.astype(np.float32), classes, prompts.astype(np.float32), strangers.astype(np.float32), matches


def fitted(how=Kernel(), **more):  # noqa: B008
    rows, classes, prompts, strangers, matches = lesson(**more)
    words = wording(prompts, strangers, how)
    return rows, kernel_member(rows, "sound", classes.tolist(), targets(matches, words), words, how), words


@given(st.integers(0, 99), st.floats(0.05, 1), st.floats(0.05, 2))
@settings(max_examples=25, deadline=None)
def test_with_all_rows_as_centres_it_is_the_direct_solution(seed, gamma, penalty):
    rows, wanted = normal(20, 5, seed=seed), normal(20, 3, seed=seed + 1)
    weights = np.random.default_rng(seed).uniform(0.3, 3, 20)
    kernel = np.exp(-gamma * ((rows[:, None] - rows) ** 2).sum(-1))
    direct = np.linalg.solve(kernel + penalty * np.diag(1 / weights), wanted)
    found = kernel_ridge(rows, rows, wanted, gamma=gamma, penalty=penalty, weights=weights)
    asked = normal(8, 5, seed=seed + 2)
    near = np.exp(-gamma * ((asked[:, None] - rows) ** 2).sum(-1))
    np.testing.assert_allclose(gaussian(asked, rows, gamma), near, atol=1e-12)
    np.testing.assert_allclose(near @ found, near @ direct, atol=1e-4)


def test_the_solution_on_landmarks_is_the_least_of_its_loss():
    rows, wanted, centres = normal(30, 4), normal(30, 2, seed=1), normal(6, 4, seed=2)
    weights = np.random.default_rng(3).uniform(0.5, 2, 30)
    seen, among = gaussian(rows, centres, 0.2), gaussian(centres, centres, 0.2)

    def loss(at):
        miss = weights[:, None] * (seen @ at - wanted) ** 2
        return miss.sum() + 0.1 * np.trace(at.T @ among @ at)

    found = kernel_ridge(rows, centres, wanted, gamma=0.2, penalty=0.1, weights=weights)
    for seed in range(20):
        assert loss(found) < loss(found + 0.01 * normal(6, 2, seed=seed))


def test_landmarks_are_means_of_several_rows_of_one_class():
    rows, classes, *_ = lesson(61)
    rows[:, 0] = [" abc".index(name) for name in classes]  # tells the class of a mean
    found = landmarks(rows.astype(float), classes, 4)
    assert set(np.round(found[:, 0], 6)) == {1, 2, 3}
    sizes = [(classes == name).sum() for name in "abc"]
    assert sum(size // 7 for size in sizes) <= len(found) <= sum(size // 4 for size in sizes)
    single = (np.abs(rows[:, None] - found) < 1e-6).all(-1)
    assert not single.any()
    np.testing.assert_array_equal(
        np.sort(landmarks(rows.astype(float), classes, 1), axis=0), np.sort(rows.astype(float), axis=0)
    )
    np.testing.assert_allclose(
        landmarks(rows[:3].astype(float), classes[:3], 4), [rows[:3].mean(0)], rtol=1e-6
    )


def test_each_row_is_in_one_landmark():
    places = np.arange(40.0)[:, None] ** 1.5
    found = landmarks(places, ["one"] * 40, 5)
    np.testing.assert_allclose(found.mean(), places.mean())  # 40 halves evenly: eight means of five
    assert len(found) == 8
    np.testing.assert_allclose(np.sort(found[:, 0]), places.reshape(8, 5).mean(1))


def test_whitening_makes_the_scatter_one():
    scatter = np.cov(normal(50, 4), rowvar=False)
    found = whitening(scatter, 0.0)
    np.testing.assert_allclose(found @ scatter @ found, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert (np.linalg.eigvalsh(found) > 0).all()
    np.testing.assert_allclose(whitening(np.zeros((3, 3)), 0.25), 2 * np.eye(3))


def test_wording_by_hand():
    how = Kernel(strangers=0.5, shrinkage=0.1)
    _, _, prompts, strangers, matches = lesson()
    found = wording(prompts, strangers, how)
    known, other = unit64(prompts), unit64(strangers)
    centre = known.mean(0) / 2 + other.mean(0) / 2
    known, other = unit64(known - centre), unit64(other - centre)
    scatter = known.T @ known / 9 + 0.5 * other.T @ other / 20
    np.testing.assert_allclose(found.centre, centre)
    np.testing.assert_allclose(
        found.map @ (scatter + 0.1 / WORDS * np.eye(WORDS)) @ found.map, np.eye(WORDS), atol=1e-9
    )
    np.testing.assert_allclose(found.rows, known @ found.map)
    counts = np.maximum(matches.sum(0), 1)
    want = unit64((matches / counts) @ found.rows)
    np.testing.assert_allclose(targets(matches, found), want)
    np.testing.assert_array_equal(targets(np.zeros((2, 9)), found), 0)


def test_the_text_tower_reads_unit_vectors_as_the_wording_does():
    _, member, words = fitted()
    texts = unit_rows(normal(5, WORDS, seed=4).astype(np.float32))
    want = unit64((texts - words.centre) @ words.map)
    np.testing.assert_allclose(member.text({"text": texts}), want, atol=1e-5)


def test_words_find_their_class():
    rows, classes, prompts, *_ = lesson()
    _, member, _ = fitted()
    cosines = member.text({"text": unit_rows(prompts[:3])}) @ member.media({"sound": rows}).T
    assert (np.array(list("abc"))[cosines.argmax(0)] == classes).mean() > 0.9


def test_missing_rows_are_left_out_and_come_back_missing():
    rows, classes, prompts, strangers, matches = lesson()
    how = Kernel()
    words = wording(prompts, strangers, how)
    wanted = targets(matches, words)
    holes = rows.copy()
    holes[[3, 40], 1] = np.nan
    found = kernel_member(holes, "sound", classes.tolist(), wanted, words, how)
    kept = np.delete(np.arange(len(rows)), [3, 40])
    without = kernel_member(rows[kept], "sound", classes[kept].tolist(), wanted[kept], words, how)
    heard = found.media({"sound": holes})
    assert np.flatnonzero(np.isnan(heard).all(1)).tolist() == [3, 40]
    np.testing.assert_array_equal(heard[kept], without.media({"sound": rows[kept]}))
    with pytest.raises(ValueError, match="no item has a row of sound"):
        kernel_member(np.full_like(rows, np.nan), "sound", classes.tolist(), wanted, words, how)


def test_copies_of_one_source_are_once_in_a_landmark():
    rows, classes, prompts, strangers, matches = lesson()
    rows[:6] = 20 + rows[0]  # six cuts of one recording, far from all else, would be landmarks of their own
    words = wording(prompts, strangers, Kernel())
    sources = [f"{max(at, 5)}" for at in range(len(rows))]
    args = rows, "sound", classes.tolist(), targets(matches, words), words, Kernel()

    def nearest(member):
        heard = member.media.readers["sound"]
        return np.linalg.norm((rows[0] - heard.mean) / heard.scale - heard.centres, axis=1).min()

    assert nearest(kernel_member(*args)) < 1e-3
    assert nearest(kernel_member(*args, sources=sources)) > 0.5


def test_altered_versions_share_the_weight_of_their_item_and_are_in_no_landmark():
    rows, classes, prompts, strangers, matches = lesson()
    words = wording(prompts, strangers, Kernel())
    args = rows, "sound", classes.tolist(), targets(matches, words), words, Kernel()

    def reader(altered):
        return kernel_member(*args, altered=altered).media.readers["sound"]

    plain = kernel_member(*args).media.readers["sound"]
    copies = np.repeat(rows[:, None], 3, axis=1)
    np.testing.assert_allclose(reader(copies).weight, plain.weight, atol=1e-5)
    np.testing.assert_allclose(reader(rows[:, None][:, :0]).weight, plain.weight, atol=1e-6)
    copies[5, 1] = np.nan  # what is left of an item weighs as much as before
    copies[9, :, 0] = np.nan
    np.testing.assert_allclose(reader(copies).weight, plain.weight, atol=1e-5)
    other = reader(copies + 0.5 * normal(*copies.shape, seed=6).astype(np.float32))
    for name in ("mean", "scale", "centres"):
        np.testing.assert_array_equal(getattr(other, name), getattr(plain, name))
    assert np.abs(other.weight - plain.weight).max() > 1e-3


def test_class_weights():
    np.testing.assert_allclose(class_weights(["a"] * 6 + ["b"] * 2, 1.0), [4 / 6] * 6 + [2] * 2)
    np.testing.assert_allclose(class_weights(["a"] * 6 + ["b"] * 2, 0.5) ** 2, [4 / 6] * 6 + [2] * 2)
    np.testing.assert_array_equal(class_weights(["a", "b", "b"], 0.0), 1)


def test_heads_with_a_kernel_are_kept_on_disk(tmp_path):
    rows, member, _ = fitted()
    _, _, prompts, strangers, _ = lesson()
    domain = Domain(texts=unit_rows(prompts), least=0.5, strangers=unit_rows(strangers))
    heads = Heads(members=(member,), encoders={"sound": "s", "text": "t"}, domain=domain)
    file = tmp_path / "audio.safetensors"
    digest = save_heads(file, heads, {"note": "for people"})
    found = load_heads(file)
    assert found.digest == digest and found.roles == ("sound",)
    said = {"text": normal(12, WORDS, seed=5).astype(np.float32)}
    for features in ({"sound": rows}, said):
        kept, known = (
            JointSpace(name="audio", heads=one, base=Direct("audio", {})).project(features)["words"]
            for one in (found, heads)
        )
        np.testing.assert_allclose(kept, known, atol=5e-3)  # float16
        assert np.isnan(kept).any() == (features is said)
    assert found.members[0].media.readers["sound"].gamma == pytest.approx(0.5 / WIDTH)


def test_a_text_nearer_to_a_stranger_abstains():
    texts = np.eye(3, dtype=np.float32)[:2]
    stranger = np.eye(3, dtype=np.float32)[2:]
    asked = unit_rows(np.float32([[1, 0, 0], [1, 0, 0.9], [1, 0, 1.1], [1, 1, 1], [0, 0, 1], [np.nan, 0, 0]]))
    holds = Domain(texts=texts, least=0.5, strangers=stranger).holds(asked)
    assert holds.tolist() == [True, True, False, False, False, False]  # the fourth is as near to both
    assert Domain(texts=texts, least=0.5).holds(asked).tolist() == [True, True, True, True, False, False]
