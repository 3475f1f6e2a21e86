import json
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest
from click.testing import CliRunner
from media_factory import clip as film
from media_factory import photo

from encoders.base import AffectError, MediaError, is_missing_row
from encoders.media import Sampling, Segment, probe, read_segments
from experiments.datasets import CaptionDataset, DatasetItem, LabelledFile
from experiments.datasets.registry import load_named_dataset
from experiments.features import cache, streaming
from experiments.features.extraction import encode_first_segments, encode_items, load_item_features
from experiments.synthetic import ACTIONS, COLOURS, MOODS, SHAPES, generate_clips, render
from experiments.synthetic.__main__ import main
from experiments.synthetic.captions import SYNONYMS, generate_captions
from experiments.synthetic.frames import FPS, FRAME_SIZE, compute_trajectory, render_backdrop, render_frames
from experiments.synthetic.music import compute_music_parameters, render_audio
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline

COUNT = 24
DENSE = Sampling(fps=FPS, max_frames=None)
TOYS = PipelineConfig(
    objects="toy-frames", activity="", sound="toy-sound", text="toy-text", sentiment="", tone="", faces=""
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("synthetic")
    render.render_dataset(place, COUNT, seed=5, quiet=True)
    return place


@pytest.fixture(scope="module")
def watched(folder):
    """Each clip's truth with what is decoded of its file."""
    found = []
    for clip in generate_clips(COUNT, seed=5):
        (segment,) = read_segments(folder / clip.name, probe(folder / clip.name), DENSE)
        found.append((clip, segment))
    return found


def body(clip, segment):
    """(t, h, w) how much each pixel is of the clip's colour rather than of the backdrop, 0 to 1."""
    behind, colour = render_backdrop(clip).astype(float), np.array(COLOURS[clip.colour], float)
    axis = colour - behind
    share = ((segment.frames - behind) * axis).sum(axis=-1) / (axis**2).sum(axis=-1)
    return np.where(share > 0.5, 1.0, 0.0)


def centres(mask):
    """(t, 2) x and y of the middle of a mask (t, h, w), in sides."""
    grid = (np.arange(mask.shape[1]) + 0.5) / mask.shape[1]
    total = mask.sum(axis=(1, 2))
    return (
        np.stack([(mask.sum(axis=1) * grid).sum(axis=1), (mask.sum(axis=2) * grid).sum(axis=1)], 1)
        / (total[:, None])
    )


def test_the_files_are_small_films(watched):
    for clip, segment in watched:
        assert segment.frames.shape == (36, FRAME_SIZE, FRAME_SIZE, 3)
        assert (segment.audio is None) == (clip.mood is None)
    assert 0 < sum(clip.mood is None for clip, _ in watched) < COUNT / 2


def test_colour_shows_in_every_frame(watched):
    for clip, segment in watched:
        mask = body(clip, segment)
        seen = np.array([np.median(f[m > 0], axis=0) for f, m in zip(segment.frames, mask, strict=True)])
        far = np.abs(seen[:, None] - np.array(list(COLOURS.values()))).sum(axis=-1)
        assert {list(COLOURS)[index] for index in far.argmin(axis=1)} == {clip.colour}


def test_actions_show_over_time(watched):
    for clip, segment in watched:
        mask = body(clip, segment)
        moved, area, way = centres(mask), mask.sum(axis=(1, 2)), compute_trajectory(clip)
        assert np.abs(moved[:, 0] - way.x).max() < 0.05 and np.abs(moved[:, 1] - way.y).max() < 0.05
        shift, growth = moved[-1, 0] - moved[0, 0], area[-1] / area[0]
        swing = np.ptp(moved, axis=0)
        match clip.action:
            case "slides left":
                assert shift < -0.45 and swing[1] < 0.05
            case "slides right":
                assert shift > 0.45 and swing[1] < 0.05
            case "grows":
                assert growth > 5
            case "shrinks":
                assert growth < 1 / 5
            case "bounces":
                assert swing[1] > 0.3 > 0.05 > swing[0]
            case "orbits":
                assert (swing > 0.45).all()
            case "shakes":
                assert 0.1 < swing[0] < 0.2
            case "spins":
                assert (swing < 0.05).all() and 0.8 < growth < 1.25
    assert len({clip.action for clip, _ in watched}) == len(ACTIONS)


def test_sliding_left_is_sliding_right_backwards():
    clip = next(clip for clip in generate_clips(50, seed=0) if clip.action == "slides left")
    there, back = render_frames(clip), render_frames(replace(clip, action="slides right"))
    assert (there == back[::-1]).all() and (there != back).any()
    grow, shrink = (render_frames(replace(clip, action=action)) for action in ("grows", "shrinks"))
    assert (grow == shrink[::-1]).all()


def test_the_sound_has_the_level_and_the_brightness_of_its_mood(watched):
    for clip, segment in watched:
        if segment.audio is None:
            continue
        how, wave = compute_music_parameters(clip.valence, clip.arousal), segment.audio.samples
        assert np.sqrt(np.mean(wave**2)) == pytest.approx(how.rms_level, rel=0.1)
    centres = []
    for arousal in (-0.8, -0.2, 0.4, 0.9):
        power = np.abs(np.fft.rfft(render_audio(replace(watched[0][0], valence=0.5, arousal=arousal)))) ** 2
        centres.append((power * np.arange(len(power))).sum() / power.sum())
    assert centres == sorted(centres) and centres[-1] > 2 * centres[0]


def test_unpleasant_moods_tremble():
    def tremble(valence):
        wave = np.abs(render_audio(replace(generate_clips(1, seed=0)[0], valence=valence, arousal=0.8)))
        power = np.abs(np.fft.rfft(wave - wave.mean())) ** 2
        return power[3 * 39 : 3 * 41 + 1].max() / np.median(power[3 * 30 : 3 * 50])  # 3 s: a third of a Hz

    assert tremble(-0.8) > 20 * tremble(0.8)


def test_tempo_can_be_counted():
    clip = generate_clips(1, seed=0)[0]
    for valence, arousal in MOODS.values():
        wave = render_audio(replace(clip, valence=valence, arousal=arousal))
        size = 80  # 5 ms
        loud = np.sqrt(np.square(wave.reshape(-1, size)).mean(axis=1))
        loud = np.convolve(loud, np.ones(5) / 5, "same")  # over the tremble's 25 ms
        echo = np.array([np.corrcoef(loud[lag:], loud[:-lag])[0, 1] for lag in range(20, 160)])
        beat = 200 / (20 + echo.argmax())  # notes a second, or a whole fraction of it
        ratio = compute_music_parameters(valence, arousal).notes_per_second / beat
        assert ratio == pytest.approx(round(ratio), abs=0.06)


def test_a_seed_makes_the_same_pixels_samples_and_words():
    for one, other in zip(generate_clips(6, seed=3), generate_clips(12, seed=3), strict=False):
        assert one == other
        assert (render_frames(one) == render_frames(other)).all() and generate_captions(
            one
        ) == generate_captions(other)
        assert one.mood is None or (render_audio(one) == render_audio(other)).all()
    assert generate_clips(6, seed=3) != generate_clips(6, seed=4)
    assert (render_frames(generate_clips(1, seed=3)[0]) != render_frames(generate_clips(1, seed=4)[0])).any()


def test_combinations_are_in_one_split_and_words_in_all():
    found = generate_clips(400, seed=0)
    splits = {}
    for clip in found:
        splits.setdefault((clip.shape, clip.colour, clip.action), set()).add(clip.split)
    assert len(splits) == len(SHAPES) * len(COLOURS) * len(ACTIONS)
    assert all(len(names) == 1 for names in splits.values())
    counts = Counter(clip.split for clip in found)
    assert counts["train"] > 250 and counts["dev"] >= 30 and counts["test"] >= 70
    train = [clip for clip in found if clip.split == "train"]
    for what, names in (("shape", SHAPES), ("colour", COLOURS), ("action", ACTIONS), ("mood", MOODS)):
        assert {getattr(clip, what) for clip in train} - {None} == set(names)


def test_captions_say_what_is_there_and_only_some_of_it():
    said = Counter()
    for clip in generate_clips(100, seed=1):
        found = generate_captions(clip)
        assert len(set(found)) == 5
        for caption in found:
            padded = f" {caption} "
            for what, words in SYNONYMS.items():
                true = words.get(getattr(clip, what), ())
                false = {w for name, some in words.items() if some is not true for w in some} - {*true}
                if what != "backdrop":
                    assert not [word for word in false if f" {word} " in padded], caption
                said[what] += any(f" {word} " in padded for word in true)
    assert all(0.1 < said[what] / 500 < 0.95 for what in SYNONYMS)


def test_the_folder_is_a_data_set(folder):
    found = load_named_dataset(str(folder))
    assert len(found.items) == COUNT and len(found.flatten_captions()[0]) == 5 * COUNT
    truth = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    assert truth == [asdict(clip) for clip in generate_clips(COUNT, seed=5)]
    assert [item.split for item in found.items] == [clip["split"] for clip in truth]


def test_rendering_goes_on_where_it_stopped(tmp_path, monkeypatch):
    run = CliRunner().invoke(main, ["--out", str(tmp_path), "--clips", "3", "--jobs", "1"])
    assert run.exit_code == 0 and "train" in run.output
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("*.mp4")}
    (tmp_path / "clip00001.mp4").unlink()
    assert len(render.render_dataset(tmp_path, 4, seed=0, quiet=True).items) == 4
    after = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("*.mp4")}
    assert len(before) == 3 and len(after) == 4
    assert {name for name in before if before[name] == after[name]} == {"clip00000.mp4", "clip00002.mp4"}
    refused = CliRunner().invoke(main, ["--out", str(tmp_path), "--clips", "3", "--seed", "1"])
    assert refused.exit_code == 1 and "another seed" in refused.output


def test_features_are_encoded_once(folder, tmp_path, monkeypatch):
    data = load_named_dataset(str(folder))
    made = load_item_features(FeaturePipeline(TOYS), data, cache_folder=tmp_path, quiet=True)
    silent = [clip.mood is None for clip in generate_clips(COUNT, seed=5)]
    assert is_missing_row(made["sound"]).tolist() == silent and not is_missing_row(made["objects"]).any()
    entries = sorted(tmp_path.rglob("*.safetensors"))
    assert len(entries) == 2 * COUNT
    read = []
    real = streaming.DecoderPool.read
    monkeypatch.setattr(
        streaming.DecoderPool, "read", lambda pool, paths: real(pool, [read.append(p) or p for p in paths])
    )
    entries[0].unlink()
    entries[-1].write_bytes(b"half")
    again = load_item_features(FeaturePipeline(TOYS), data, cache_folder=tmp_path, quiet=True)
    assert len(read) == 2
    for role in made:
        assert np.array_equal(made[role], again[role], equal_nan=True)
    load_item_features(FeaturePipeline(TOYS), data, cache_folder=tmp_path, quiet=True)
    assert len(read) == 2
    load_item_features(
        FeaturePipeline(TOYS), data, cache_folder=tmp_path, sampling=Sampling(fps=2), quiet=True
    )
    assert len(read) == 2 + COUNT and len(list(tmp_path.rglob("*.safetensors"))) == 3 * COUNT


def test_every_segment_and_what_cannot_be_read(tmp_path):
    long = film(tmp_path / "long.mp4", seconds=40, sound=40)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(long.read_bytes())
    still = photo(tmp_path / "still.jpg")
    (tmp_path / "bad.mp4").write_text("no")
    media = [(long,), (tmp_path / "bad.mp4",), (still,), (tmp_path / "gone.jpg",), (copy,)]
    found = encode_items(
        FeaturePipeline(TOYS), media, all_segments=True, cache_folder=tmp_path / "kept", quiet=True
    )
    assert found.item_by_segment.tolist() == [0, 0, 0, 2, 4, 4, 4]
    assert found.segment_times[:3].tolist() == [[0, 15], [15, 30], [30, pytest.approx(40, abs=0.2)]]
    assert np.isnan(found.segment_times[3]).all()
    assert {file.name for file in found.error_by_path} == {"bad.mp4", "gone.jpg"}
    pooled = found.mean_pool(5)
    assert is_missing_row(pooled["objects"]).tolist() == [False, True, False, True, False]
    assert np.allclose(pooled["objects"][0], found.features["objects"][:3].mean(axis=0), atol=1e-6)
    only = encode_items(FeaturePipeline(TOYS), media, cache_folder=tmp_path / "kept", quiet=True)
    assert only.item_by_segment.tolist() == [0, 2, 4]


def test_features_of_first_segments(tmp_path):
    experts = FeaturePipeline(TOYS)
    files = [
        LabelledFile(path=photo(tmp_path / f"{i}.png", 40 + i, 30), labels=(), split="") for i in range(40)
    ]
    rows = encode_first_segments(experts, [*files, files[0]])
    assert rows["objects"].shape[0] == 41 and is_missing_row(rows["sound"]).all()
    (segment,) = read_segments(files[7].path, probe(files[7].path))
    assert np.allclose(rows["objects"][7], experts.get_encoder("objects").encode([segment.frames])[0])
    assert np.array_equal(rows["objects"][0], rows["objects"][40])
    files[3].path.write_text("no")
    with pytest.raises(MediaError, match=r"3\.png"):
        encode_first_segments(experts, files)


def test_hashing_media_leaves_no_notes(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path / "cache"))
    pair = photo(tmp_path / "a.png"), photo(tmp_path / "b.png", 20)
    digests = {
        cache.compute_content_digest(pair),
        cache.compute_content_digest(pair[:1]),
        cache.compute_content_digest(pair[::-1]),
    }
    assert len(digests) == 3 and not (tmp_path / "cache").exists()


def test_pictures_are_the_frames_of_one_clip(tmp_path):
    pair = photo(tmp_path / "a.png", 40, 30), photo(tmp_path / "b.png", 80, 60)
    joined = streaming.read_images_as_clip(pair, Sampling())
    assert isinstance(joined, Segment) and joined.frames.shape == (2, 30, 40, 3) and joined.audio is None
    items = (DatasetItem(id="move", captions=("x",), split="train", media=pair),)
    rows = load_item_features(
        FeaturePipeline(TOYS),
        CaptionDataset(name="pairs", items=items),
        cache_folder=tmp_path / "kept",
        quiet=True,
    )
    assert rows["objects"].shape[0] == 1 and not is_missing_row(rows["objects"]).any()
    assert np.allclose(rows["objects"], FeaturePipeline(TOYS).get_encoder("objects").encode([joined.frames]))
    pair[1].unlink()
    with pytest.warns(UserWarning, match=r"b\.png"):
        gone = load_item_features(
            FeaturePipeline(TOYS),
            CaptionDataset(name="pairs", items=items),
            cache_folder=tmp_path,
            quiet=True,
        )
    assert is_missing_row(gone["objects"]).all()


def test_features_need_media_or_files(tmp_path):
    bare = CaptionDataset(name="bare", items=(DatasetItem(id="video0", captions=("x",), split="test"),))
    with pytest.raises(AffectError, match="no file of video0"):
        load_item_features(FeaturePipeline(TOYS), bare)
    np.save(tmp_path / "video0.npy", np.ones(3))
    rows = load_item_features(FeaturePipeline(TOYS), replace(bare, feature_sources={"objects": tmp_path}))
    assert rows["objects"].tolist() == [[1, 1, 1]]
    with pytest.raises(AffectError, match="no encoder reads media"):
        encode_items(FeaturePipeline(TOYS.replace(objects="", sound="")), [])


def test_an_entry_is_of_one_encoder_and_one_way_of_looking(tmp_path):
    card = FeaturePipeline(TOYS).get_encoder("objects").card
    here = cache.FeatureCache(card, Sampling(), False, tmp_path)
    here.put("ab", cache.ItemFeatures(np.ones((1, card.dim), np.float32), np.zeros((1, 2))))
    others = [
        cache.FeatureCache(replace(card, sha256="f" * 64), Sampling(), False, tmp_path),
        cache.FeatureCache(card, Sampling(fps=3), False, tmp_path),
        cache.FeatureCache(card, Sampling(), True, tmp_path),
    ]
    assert here.get("ab").features.tolist() == [[1] * card.dim] and here.get("cd") is None
    assert [other.get("ab") for other in others] == [None] * 3
    assert cache.FeatureCache(card, Sampling(sample_rate=8000), False, tmp_path).get("ab") is not None
