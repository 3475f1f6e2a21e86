import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.base import unit_rows
from spaces.base import IdentitySpace
from spaces.joint.io import load_heads, save_heads
from spaces.joint.kernel_ridge import (
    KernelRidgeConfig,
    compute_class_weights,
    compute_targets,
    compute_whitening,
    fit_kernel_tower_pair,
    fit_text_projection,
    unit_rows_float64,
)
from spaces.joint.landmarks import compute_landmarks
from spaces.joint.space import Heads, JointSpace, TextDomain
from spaces.ridge_regression import gaussian_kernel, solve_kernel_ridge

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


def fitted(how=KernelRidgeConfig(), **more):  # noqa: B008
    rows, classes, prompts, strangers, matches = lesson(**more)
    words = fit_text_projection(prompts, strangers, how)
    return (
        rows,
        fit_kernel_tower_pair({"sound": rows}, classes.tolist(), compute_targets(matches, words), words, how),
        words,
    )


@given(st.integers(0, 99), st.floats(0.05, 1), st.floats(0.05, 2))
@settings(max_examples=25)
def test_with_all_rows_as_centres_it_is_the_direct_solution(seed, gamma, penalty):
    rows, wanted = normal(20, 5, seed=seed), normal(20, 3, seed=seed + 1)
    weights = np.random.default_rng(seed).uniform(0.3, 3, 20)
    kernel = np.exp(-gamma * ((rows[:, None] - rows) ** 2).sum(-1))
    direct = np.linalg.solve(kernel + penalty * np.diag(1 / weights), wanted)
    found = solve_kernel_ridge(rows, rows, wanted, gamma=gamma, penalty=penalty, weights=weights)
    asked = normal(8, 5, seed=seed + 2)
    near = np.exp(-gamma * ((asked[:, None] - rows) ** 2).sum(-1))
    np.testing.assert_allclose(gaussian_kernel(asked, rows, gamma), near, atol=1e-12)
    np.testing.assert_allclose(near @ found, near @ direct, atol=1e-4)


def test_the_solution_on_landmarks_is_the_least_of_its_loss():
    rows, wanted, centres = normal(30, 4), normal(30, 2, seed=1), normal(6, 4, seed=2)
    weights = np.random.default_rng(3).uniform(0.5, 2, 30)
    seen, among = gaussian_kernel(rows, centres, 0.2), gaussian_kernel(centres, centres, 0.2)

    def loss(at):
        miss = weights[:, None] * (seen @ at - wanted) ** 2
        return miss.sum() + 0.1 * np.trace(at.T @ among @ at)

    found = solve_kernel_ridge(rows, centres, wanted, gamma=0.2, penalty=0.1, weights=weights)
    for seed in range(20):
        assert loss(found) < loss(found + 0.01 * normal(6, 2, seed=seed))


def test_landmarks_are_means_of_several_rows_of_one_class():
    rows, classes, *_ = lesson(61)
    rows[:, 0] = [" abc".index(name) for name in classes]  # tells the class of a mean
    found = compute_landmarks(rows.astype(float), classes, 4)
    assert set(np.round(found[:, 0], 6)) == {1, 2, 3}
    sizes = [(classes == name).sum() for name in "abc"]
    assert sum(size // 7 for size in sizes) <= len(found) <= sum(size // 4 for size in sizes)
    single = (np.abs(rows[:, None] - found) < 1e-6).all(-1)
    assert not single.any()
    np.testing.assert_array_equal(
        np.sort(compute_landmarks(rows.astype(float), classes, 1), axis=0),
        np.sort(rows.astype(float), axis=0),
    )
    np.testing.assert_allclose(
        compute_landmarks(rows[:3].astype(float), classes[:3], 4), [rows[:3].mean(0)], rtol=1e-6
    )


def test_each_row_is_in_one_landmark():
    places = np.arange(40.0)[:, None] ** 1.5
    found = compute_landmarks(places, ["one"] * 40, 5)
    np.testing.assert_allclose(found.mean(), places.mean())  # 40 halves evenly: eight means of five
    assert len(found) == 8
    np.testing.assert_allclose(np.sort(found[:, 0]), places.reshape(8, 5).mean(1))


def test_whitening_makes_the_scatter_one():
    scatter = np.cov(normal(50, 4), rowvar=False)
    found = compute_whitening(scatter, 0.0)
    np.testing.assert_allclose(found @ scatter @ found, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert (np.linalg.eigvalsh(found) > 0).all()
    np.testing.assert_allclose(compute_whitening(np.zeros((3, 3)), 0.25), 2 * np.eye(3))


def test_wording_by_hand():
    how = KernelRidgeConfig(out_of_domain_weight=0.5, shrinkage=0.1)
    _, _, prompts, strangers, matches = lesson()
    found = fit_text_projection(prompts, strangers, how)
    known, other = unit_rows_float64(prompts), unit_rows_float64(strangers)
    centre = known.mean(0) / 2 + other.mean(0) / 2
    known, other = unit_rows_float64(known - centre), unit_rows_float64(other - centre)
    scatter = known.T @ known / 9 + 0.5 * other.T @ other / 20
    np.testing.assert_allclose(found.centre, centre)
    np.testing.assert_allclose(
        found.matrix @ (scatter + 0.1 / WORDS * np.eye(WORDS)) @ found.matrix, np.eye(WORDS), atol=1e-9
    )
    np.testing.assert_allclose(found.prompt_rows, known @ found.matrix)
    counts = np.maximum(matches.sum(0), 1)
    want = unit_rows_float64((matches / counts) @ found.prompt_rows)
    np.testing.assert_allclose(compute_targets(matches, found), want)
    np.testing.assert_array_equal(compute_targets(np.zeros((2, 9)), found), 0)


def test_the_text_tower_reads_unit_vectors_as_the_wording_does():
    _, member, words = fitted()
    texts = unit_rows(normal(5, WORDS, seed=4).astype(np.float32))
    want = unit_rows_float64((texts - words.centre) @ words.matrix)
    np.testing.assert_allclose(member.text({"text": texts}), want, atol=1e-5)


def test_words_find_their_class():
    rows, classes, prompts, *_ = lesson()
    _, member, _ = fitted()
    cosines = member.text({"text": unit_rows(prompts[:3])}) @ member.media({"sound": rows}).T
    assert (np.array(list("abc"))[cosines.argmax(0)] == classes).mean() > 0.9


def test_missing_rows_are_left_out_and_come_back_missing():
    rows, classes, prompts, strangers, matches = lesson()
    how = KernelRidgeConfig()
    words = fit_text_projection(prompts, strangers, how)
    wanted = compute_targets(matches, words)
    holes = rows.copy()
    holes[[3, 40], 1] = np.nan
    found = fit_kernel_tower_pair({"sound": holes}, classes.tolist(), wanted, words, how)
    kept = np.delete(np.arange(len(rows)), [3, 40])
    without = fit_kernel_tower_pair({"sound": rows[kept]}, classes[kept].tolist(), wanted[kept], words, how)
    heard = found.media({"sound": holes})
    assert np.flatnonzero(np.isnan(heard).all(1)).tolist() == [3, 40]
    np.testing.assert_array_equal(heard[kept], without.media({"sound": rows[kept]}))
    with pytest.raises(ValueError, match="no item has a row of sound"):
        fit_kernel_tower_pair({"sound": np.full_like(rows, np.nan)}, classes.tolist(), wanted, words, how)


def test_copies_of_one_source_are_once_in_a_landmark():
    rows, classes, prompts, strangers, matches = lesson()
    rows[:6] = 20 + rows[0]  # six cuts of one recording, far from all else, would be landmarks of their own
    words = fit_text_projection(prompts, strangers, KernelRidgeConfig())
    sources = [f"{max(at, 5)}" for at in range(len(rows))]
    args = {"sound": rows}, classes.tolist(), compute_targets(matches, words), words, KernelRidgeConfig()

    def nearest(member):
        heard = member.media.inputs["sound"]
        return np.linalg.norm((rows[0] - heard.mean) / heard.scale - heard.centres, axis=1).min()

    assert nearest(fit_kernel_tower_pair(*args)) < 1e-3
    assert nearest(fit_kernel_tower_pair(*args, sources=sources)) > 0.5


def test_altered_versions_share_the_weight_of_their_item_and_are_in_no_landmark():
    rows, classes, prompts, strangers, matches = lesson()
    words = fit_text_projection(prompts, strangers, KernelRidgeConfig())
    args = {"sound": rows}, classes.tolist(), compute_targets(matches, words), words, KernelRidgeConfig()

    def reader(altered):
        return fit_kernel_tower_pair(*args, augmented_features={"sound": altered}).media.inputs["sound"]

    plain = fit_kernel_tower_pair(*args).media.inputs["sound"]
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
    np.testing.assert_allclose(compute_class_weights(["a"] * 6 + ["b"] * 2, 1.0), [4 / 6] * 6 + [2] * 2)
    np.testing.assert_allclose(compute_class_weights(["a"] * 6 + ["b"] * 2, 0.5) ** 2, [4 / 6] * 6 + [2] * 2)
    np.testing.assert_array_equal(compute_class_weights(["a", "b", "b"], 0.0), 1)


def test_heads_with_a_kernel_are_kept_on_disk(tmp_path):
    rows, member, _ = fitted()
    _, _, prompts, strangers, _ = lesson()
    domain = TextDomain(in_domain=unit_rows(prompts), min_similarity=0.5, out_of_domain=unit_rows(strangers))
    heads = Heads(members=(member,), encoder_signatures={"sound": "s", "text": "t"}, domain=domain)
    file = tmp_path / "audio.safetensors"
    digest = save_heads(file, heads, {"note": "for people"})
    found = load_heads(file)
    assert found.digest == digest and found.roles == ("sound",)
    said = {"text": normal(12, WORDS, seed=5).astype(np.float32)}
    for features in ({"sound": rows}, said):
        kept, known = (
            JointSpace(name="audio", heads=one, base_space=IdentitySpace("audio", {})).project(features)[
                "words"
            ]
            for one in (found, heads)
        )
        np.testing.assert_allclose(kept, known, atol=5e-3)  # float16
        assert np.isnan(kept).any() == (features is said)
    assert found.members[0].media.inputs["sound"].gamma == pytest.approx(0.5 / WIDTH)


def test_a_text_nearer_to_a_stranger_abstains():
    texts = np.eye(3, dtype=np.float32)[:2]
    stranger = np.eye(3, dtype=np.float32)[2:]
    asked = unit_rows(np.float32([[1, 0, 0], [1, 0, 0.9], [1, 0, 1.1], [1, 1, 1], [0, 0, 1], [np.nan, 0, 0]]))
    holds = TextDomain(in_domain=texts, min_similarity=0.5, out_of_domain=stranger).contains(asked)
    assert holds.tolist() == [True, True, False, False, False, False]  # the fourth is as near to both
    assert TextDomain(in_domain=texts, min_similarity=0.5).contains(asked).tolist() == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_roles_share_landmarks_and_a_missing_one_gives_its_mean_output():
    rows, classes, prompts, strangers, matches = lesson()
    how = KernelRidgeConfig(powers={"events": 0.5})
    words = fit_text_projection(prompts, strangers, how)
    scores = np.abs(rows[:, :3])
    features = {"sound": rows, "events": scores}
    member = fit_kernel_tower_pair(features, classes.tolist(), compute_targets(matches, words), words, how)
    sound, events = (member.media.inputs[role] for role in features)
    assert (sound.power, events.power) == (1, 0.5) and len(sound.centres) == len(events.centres)
    np.testing.assert_array_equal(sound.weight, events.weight)
    standard = (np.sqrt(scores) - events.mean) / events.scale
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-5)
    raw = gaussian_kernel(standard, events.centres, events.gamma) @ events.weight
    np.testing.assert_allclose(events.absent, raw.mean(axis=0), atol=1e-5)
    alone = member.media.project_raw({"sound": rows})
    both = member.media.project_raw(features)
    np.testing.assert_allclose(both - alone, raw - events.absent, atol=1e-5)
    holes = scores.copy()
    holes[4] = np.nan  # left out of training
    left_out = fit_kernel_tower_pair(
        {"sound": rows, "events": holes}, classes.tolist(), compute_targets(matches, words), words, how
    )
    assert np.abs(left_out.media.inputs["sound"].weight - sound.weight).max() > 1e-4


def test_heads_can_read_a_library_without_their_optional_roles():
    member = fitted()[1]
    made = {"sound": "s/1", "events": "e/1", "text": "t/1"}
    heads = Heads(members=(member,), encoder_signatures=made, required_roles=("sound",))
    assert heads.can_read(made) and heads.can_read({**made, "events": ""})
    for role in made:
        assert not heads.can_read({**made, role: "other/1"})
    assert not heads.can_read({**made, "sound": ""}) and not heads.can_read({**made, "text": ""})
    strict = Heads(members=(member,), encoder_signatures=made)
    assert strict.can_read(made) and not strict.can_read({**made, "events": ""})
