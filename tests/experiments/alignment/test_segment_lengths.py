"""What readings of videos are worth, by the length of a segment."""

import numpy as np
import pytest

from encoders.base import AffectError
from experiments.alignment import segment_lengths
from experiments.alignment.markdown_report import to_markdown
from experiments.alignment.results_json import make_report_json
from experiments.alignment.runner import study_set
from experiments.alignment.study_config import StudyConfig, list_methods
from experiments.alignment.study_results import StudyResults
from experiments.alignment.summary_table import format_terminal
from experiments.alignment.verdict import make_verdict
from experiments.alignment.video_records import VideoAffect, VideoFolder


def made(count=24, seconds=30, jumps=5, noise=0.1, seed=0):
    """Films whose mood jumps every `jumps` seconds: sound hears it turned by 90 degrees, faces nothing."""
    rng = np.random.default_rng(seed)
    films = []
    for number in range(count):
        mood = np.repeat(rng.normal(size=(-(-seconds // jumps), 2)) * 0.3, jumps, axis=0)[:seconds]

        def read(points):
            points = points + noise * rng.normal(size=points.shape)
            return np.concatenate([points, np.full_like(points, 0.2)], axis=1).astype(np.float32)

        turned = np.stack([-mood[:, 1], mood[:, 0]], axis=1)
        face = read(rng.normal(size=(seconds, 2)) * 0.3)
        face[::2] = np.nan
        whole = {
            length: read(
                np.array([turned[k : k + int(length)].mean(0) for k in range(0, seconds, int(length))])
            )
            for length in (2.0, 5.0, 15.0)
        }
        films.append(VideoAffect(
            digest=f"{number:03}", duration=float(seconds), picture=read(mood), face=face,
            picture_times=np.arange(seconds) + 0.5, sound=read(np.repeat(turned, 2, axis=0)),
            sound_times=np.arange(2 * seconds) / 2 + 0.25, whole_sound=whole,
        ))  # fmt: skip
    return VideoFolder(name="made", videos=films)


@pytest.mark.slow
def test_lengths_are_studied(tmp_path):
    """Sound and pictures relate by a turn, at 5 s best; at 15 s moods are averaged away; faces do not."""
    films = segment_lengths.make_video_study(made(), (2.0, 5.0, 15.0), seed=0)
    inside = {(one.modality, one.deviation.segment_length): one for one in films.variations}
    short, right, long = (inside["picture", length].within_sd[0] for length in (2.0, 5.0, 15.0))
    assert right.value == pytest.approx(0.1, abs=0.01) and right.value < short.value < long.value
    assert right.low < right.value < right.high < long.low
    methods = {name: list_methods()[name] for name in ("identity", "rotation", "affine")}
    plan = StudyConfig(draws=199, shuffles=4, sizes=(30,), repeats=1)
    found = {}
    for name in (
        "made 5 s: sound to picture",
        "made 5 s: whole sound to picture",
        "made 5 s: face to picture",
    ):
        pairs = segment_lengths.check_enough_videos(films.make_pairs()[name])
        assert len(pairs) == 24 * 6 and pairs.exchange == "groups" and len(set(pairs.groups)) == 24
        found |= study_set(name, pairs, methods, plan, tmp_path)
    sound, whole, face = found.values()
    for one in (sound, whole):
        turned = next(row for row in one.maps if row.name == "rotation")
        assert turned.disparity.value < 0.3 and turned.holm < 0.05
        assert make_verdict(one).hypothesis == "supported"
        assert max(ccc.value for ccc in one.maps[0].ccc) < 0.3  # as it stands it means nothing
    assert make_verdict(face).relation == "unrelated"
    told = StudyResults(
        results=found,
        variants=[],
        left_out={"made 2 s: sound to face": "why"},
        config=plan,
        video_study=films,
    )
    sure = make_report_json(told)["videos"]["p over all sets"]
    assert sure["made 5 s: sound to picture"] < 0.05 < sure["made 5 s: face to picture"]
    assert "## Videos of made" in to_markdown(told) and any("why" in line for line in format_terminal(told))


def test_a_rest_is_no_segment():
    """31 s are two segments of 15 s, the third second alone none; 8 s of 15 are one."""
    films = segment_lengths.make_video_study(made(count=2, seconds=31), (15.0,), seed=0)
    assert len(films.readings_by_length[15.0].row_groups) == 4
    eight = made(count=2, seconds=8)
    assert len(segment_lengths.compute_segment_readings(eight, 15.0).row_groups) == 2
    assert np.allclose(
        segment_lengths.compute_segment_readings(eight, 15.0).by_modality["picture"][0],
        eight.videos[0].picture[:, :2].mean(0),
        atol=1e-6,
    )


def test_too_few_videos():
    pairs = segment_lengths.make_video_study(made(count=9), (2.0,), seed=0).make_pairs()[
        "made 2 s: sound to picture"
    ]
    with pytest.raises(
        AffectError, match="135 segments of 9 videos have these senses; 20 of 10 videos are needed"
    ):
        segment_lengths.check_enough_videos(pairs)
