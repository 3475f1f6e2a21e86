import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import iscc_samples
import numpy as np
import pytest
from media_factory import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    card,
    clip,
    cut_short,
    float_wav,
    gif,
    huge_png,
    photo,
    sine,
    tone,
    turned,
)
from PIL import Image
from repository import DATA, ROOT, require_data

from encoders import media
from encoders.base import MediaError
from encoders.media import Limits, Sampling, video
from encoders.media.segments import compute_frame_times, compute_segment_bounds

SAMPLES = Path(iscc_samples.__file__).parent / "files"
CLIPS = DATA / "av_clips/videos"


def parts(path, **sampling):
    return list(media.read_segments(path, media.probe(path), Sampling(**sampling)))


def by_av(path, **sampling):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video.VideoReader, "_open_decord", lambda *_: None)
        return parts(path, **sampling)


def reason(path, limits=media.DEFAULT_LIMITS):
    with pytest.raises(MediaError) as caught:
        list(media.read_segments(path, media.probe(path, limits), limits=limits))
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    return caught.value.reason


def corners(frame):
    return [tuple(int(v) for v in frame[y, x]) for y in (4, -5) for x in (4, -5)]


def close(colours, expected, tolerance=40):
    return np.abs(np.subtract(colours, expected)).max() <= tolerance


# ---- where a file is cut


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (2, [(0, 2)]),
        (15, [(0, 15)]),
        (19, [(0, 19)]),
        (20.5, [(0, 15), (15, 20.5)]),
        (34, [(0, 15), (15, 34)]),
    ],
)
def test_cuts(seconds, expected):
    assert compute_segment_bounds(seconds, 15) == expected


def test_moments_are_the_middles_of_equal_slices():
    assert compute_frame_times(0, 2, 1, 8) == [0.5, 1.5]
    assert compute_frame_times(15, 30, 1, 3) == [17.5, 22.5, 27.5]
    assert compute_frame_times(0, 0.1, 1, 8) == [0.05]
    assert len(compute_frame_times(0, 15, 1, None)) == 15


# ---- images


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "bmp", "tiff", "avif"])
def test_an_image_is_one_segment(tmp_path, ending):
    path = photo(tmp_path / f"card.{ending}")
    assert media.probe(path).modality == "image"
    (part,) = parts(path)
    assert part.frames.shape == (1, 120, 160, 3) and part.frames.dtype == np.uint8
    assert (part.start, part.end, part.audio) == (None, None, None)
    assert close(corners(part.frames[0]), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = photo(tmp_path / "card.jpg", exif=exif, quality=95)
    (part,) = parts(path)
    places = [RED, GREEN, BLUE, WHITE]
    order = {1: "0123", 2: "1032", 3: "3210", 4: "2301", 5: "0213", 6: "2031", 7: "3120", 8: "1302"}
    assert close(corners(part.frames[0]), [places[int(i)] for i in order[orientation]])
    found = media.probe(path)
    assert part.frames.shape[1:3] == (found.height, found.width)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(48, 0)
    deep = {"I;16": (np.uint16, 257), "I": (np.int32, 257), "F": (np.float32, 1 / 255)}
    if mode in deep:
        kind, scale = deep[mode]
        image = Image.fromarray((ramp * np.float64(scale)).astype(kind))
    else:
        grey = Image.fromarray(ramp).convert("L" if mode in ("1", "LA", "P") else "RGB")
        image = grey.convert(mode, dither=Image.Dither.NONE)
    path = tmp_path / "ramp.tiff"
    image.save(path)
    (part,) = parts(path)
    expected = np.where(ramp > 127, 255, 0) if mode == "1" else ramp
    assert np.abs(part.frames[0].astype(int) - expected[..., None]).max() <= 3


def test_deep_colour(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "deep.tiff", card().astype(np.uint16) * 257, photometric="rgb")
    (part,) = parts(tmp_path / "deep.tiff")
    assert np.array_equal(part.frames[0], card())


def test_transparent_parts_are_white(tmp_path):
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 20, 40))
    image.save(tmp_path / "half.png")
    (part,) = parts(tmp_path / "half.png")
    assert corners(part.frames[0]) == [BLUE, WHITE, BLUE, WHITE]


def test_large_pictures_get_smaller_and_small_ones_stay(tmp_path):
    assert parts(photo(tmp_path / "a.jpg", 4000, 3000))[0].frames.shape == (1, 384, 512, 3)
    assert parts(photo(tmp_path / "b.jpg", 30, 1))[0].frames.shape == (1, 1, 30, 3)


def test_a_huge_picture_is_refused_by_its_header(tmp_path):
    path = huge_png(tmp_path / "huge.png")
    began = time.perf_counter()
    assert reason(path) == "40000 x 40000 pixels are 1,600 megapixels, more than the limit of 200"
    assert time.perf_counter() - began < 0.2


def test_truncated_pictures(tmp_path):
    for ending in ("jpg", "png"):
        whole = photo(tmp_path / f"whole.{ending}", 800, 600)
        assert "picture" in reason(cut_short(tmp_path / f"head.{ending}", whole, 0.004))


# ---- video


def test_a_clip(tmp_path):
    path = clip(tmp_path / "clip.mp4", seconds=2, sound=2)
    found = media.probe(path)
    assert (found.modality, found.width, found.height, found.fps) == ("video", 160, 120, 10)
    assert found.duration == pytest.approx(2, abs=0.05) and found.sample_rate == 48000
    (part,) = parts(path)
    assert part.frame_times == pytest.approx((0.5, 1.5)) and part.frames.shape == (2, 120, 160, 3)
    assert part.audio.sample_rate == 16000 and part.audio.duration == pytest.approx(2, abs=0.05)
    assert close([part.frames[0][60, 80], part.frames[1][60, 80]], [[20] * 3, [60] * 3], 6)


@pytest.mark.parametrize(
    ("ending", "codec"),
    [("mp4", "libx264"), ("mov", "mpeg4"), ("mkv", "libx264"), ("webm", "libvpx"), ("avi", "mpeg4")],
)
def test_decord_and_pyav_agree(tmp_path, ending, codec):
    path = clip(tmp_path / f"clip.{ending}", seconds=20, fps=8, size=(240, 180), codec=codec)
    for one, two in zip(parts(path, max_side=200), by_av(path, max_side=200), strict=True):
        assert len(one.frame_times) in (5, 8) and one.frames.shape[1:] == (150, 200, 3)
        assert one.frame_times == pytest.approx(two.frame_times, abs=2e-3)
        assert np.abs(one.frames.astype(int) - two.frames).mean() < 1


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_variable_frame_rate(tmp_path, ending):
    gaps = np.random.default_rng(0).integers(20, 400, 40)
    begins = np.cumsum(gaps) - gaps[0]
    path = clip(tmp_path / f"vfr.{ending}", begins=begins.tolist())
    (part,), (again,) = parts(path, max_frames=None), by_av(path, max_frames=None)
    shown = [begins[begins <= 1000 * t + 10].max() / 1000 for t in compute_frame_times(0, part.end, 1, None)]
    assert part.frame_times == pytest.approx(shown, abs=2e-3) and again.frame_times == pytest.approx(
        shown, abs=2e-3
    )
    levels = [4 * int(np.flatnonzero(begins == round(1000 * t))[0]) for t in shown]
    assert close(part.frames[:, 60, 80].mean(-1), levels, 6)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, [RED, GREEN, BLUE, WHITE]),
        (90, [BLUE, RED, WHITE, GREEN]),
        (180, [WHITE, BLUE, GREEN, RED]),
        (270, [GREEN, WHITE, RED, BLUE]),
    ],
)
def test_rotation_flags(tmp_path, degrees, expected):
    path = turned(tmp_path / "turned.mp4", clip(tmp_path / "clip.mp4"), degrees)
    for read in (parts, by_av):
        frames = read(path, max_side=80)[0].frames
        assert frames.shape[1:] == ((60, 80, 3) if degrees % 180 == 0 else (80, 60, 3))
        assert close(corners(frames[0]), expected, 60)
    found = media.probe(path)
    assert (found.width, found.height) == ((160, 120) if degrees % 180 == 0 else (120, 160))


def test_one_frame(tmp_path):
    (part,) = parts(clip(tmp_path / "one.mp4", begins=[0]))
    assert part.frame_times == (0,) and len(part.frames) == 1


def test_gif(tmp_path):
    path = gif(tmp_path / "moves.png")  # the content counts, not the ending
    assert media.probe(path).modality == "video"
    (part,) = parts(path)
    assert part.frame_times == pytest.approx((0.5,)) and close(part.frames[0, 24, 32], [100] * 3, 12)
    assert media.probe(gif(tmp_path / "still.gif", frames=1)).modality == "image"


def test_sound_in_a_part_of_the_film_only(tmp_path):
    path = clip(tmp_path / "part.mkv", seconds=45, fps=2, sound=11, at=18)
    first, second, third = parts(path)
    assert first.audio is None and third.audio is None
    quiet, loud = second.audio.samples[: 16000 * 2], second.audio.samples[16000 * 4 : 16000 * 14]
    assert np.abs(quiet).max() < 1e-3 and loud.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_a_film_that_begins_late_keeps_its_time(tmp_path):
    path = clip(tmp_path / "late.mkv", begins=[*range(1000, 4000, 100)], sound=4)
    for read in (parts, by_av):
        assert read(path)[0].frame_times == pytest.approx((1.0, 1.5, 2.5, 3.5))


def test_an_mp4_with_sound_only_is_audio(tmp_path):
    path = tone(tmp_path / "song.mp4", seconds=3, rate=44100)
    assert media.probe(path).modality == "audio"
    (part,) = parts(path)
    assert part.frames is None and part.frame_times == () and part.audio.duration == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize(("ending", "share"), [("mkv", 0.6), ("avi", 0.2)])
def test_a_truncated_film_gives_what_is_left(tmp_path, ending, share):
    codec = {"mkv": "libx264", "avi": "mpeg4"}[ending]
    whole = clip(tmp_path / f"whole.{ending}", seconds=40, fps=10, codec=codec)
    found = parts(cut_short(tmp_path / f"cut.{ending}", whole, share))
    assert found and 10 < found[-1].end < 35 and all(len(part.frames) for part in found)


def test_a_truncated_mp4_without_its_index(tmp_path):
    whole = clip(tmp_path / "whole.mp4")
    assert reason(cut_short(tmp_path / "cut.mp4", whole, 0.5)) == "truncated or damaged mp4"


def test_damaged_in_the_middle(tmp_path):
    path = clip(tmp_path / "damaged.mkv", seconds=20, fps=10)
    data = bytearray(path.read_bytes())
    for place in np.random.default_rng(0).integers(2000, len(data) - 2000, 60):
        data[place] ^= 0xFF
    path.write_bytes(data)
    assert all(len(part.frames) for part in parts(path))


# ---- sound


@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "opus", "m4a", "aac"])
def test_sound_formats(tmp_path, ending):
    rate = 48000 if ending == "opus" else 44100
    path = tone(tmp_path / f"tone.{ending}", seconds=20.5, rate=rate, layout="stereo")
    found = media.probe(path)
    assert (found.modality, found.channels, found.width) == ("audio", 2, None)
    one, two = parts(path)
    assert one.audio.duration == 15 and two.audio.duration == pytest.approx(5.5, abs=0.15)
    both = np.concatenate([one.audio.samples, two.audio.samples])
    middle = both[16000 * 10 : 16000 * 20]  # over the cut: the sine must go on without a seam
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 4400
    assert middle.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("rate", [8000, 22050, 96000])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_rates_and_layouts(tmp_path, rate, layout):
    (part,) = parts(tone(tmp_path / "tone.wav", rate=rate, layout=layout, level=0.9))
    samples = part.audio.samples
    assert samples.dtype == np.float32 and len(samples) == 16000
    assert np.abs(samples[2000:14000] - sine(1, 16000, level=0.9)[0, 2000:14000]).max() < 0.02


def test_samples_above_full_scale_are_scaled(tmp_path):
    (part,) = parts(float_wav(tmp_path / "loud.wav", 3 * sine(1, 16000)[0]))
    assert np.abs(part.audio.samples).max() == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite(tmp_path, value):
    samples = sine(1, 16000)[0]
    samples[5000] = value
    assert "not finite" in reason(float_wav(tmp_path / "bad.wav", samples))


def test_cover_art_is_no_film():
    path = SAMPLES / "audio/withcover.mp3"
    assert media.probe(path).modality == "audio"
    assert parts(path)[0].frames is None


# ---- the same content in other containers


@pytest.mark.parametrize(
    "ending", ["avi", "f4v", "flv", "m4v", "mkv", "mov", "mpg", "vob", "webm", "wmv", "rm"]
)
def test_same_film_in_another_container(ending):
    reference, other = parts(SAMPLES / "video/demo.mp4"), parts(SAMPLES / f"video/demo.{ending}")
    assert len(other) == len(reference) == 4
    for one, two in zip(reference, other, strict=True):
        assert np.abs(one.frames.astype(int) - two.frames).mean() < 12
        assert two.frame_times == pytest.approx(one.frame_times, abs=0.1)
        assert two.audio.samples.std() == pytest.approx(one.audio.samples.std(), rel=0.1)


@pytest.mark.parametrize("ending", ["aac", "ac3", "aif", "mp3", "ogg", "opus", "wv"])
def test_same_sound_in_another_container(ending):
    (reference,), (other,) = parts(SAMPLES / "audio/demo.wav"), parts(SAMPLES / f"audio/demo.{ending}")
    n = min(len(reference.audio.samples), len(other.audio.samples))
    spectra = [np.abs(np.fft.rfft(part.audio.samples[:n])) for part in (reference, other)]
    assert np.corrcoef(*spectra)[0, 1] > 0.9


def test_same_picture_in_another_format():
    reference = parts(SAMPLES / "image/demo.png")[0].frames.astype(int)
    for ending in ("bmp", "jpg", "tif", "gif"):
        assert np.abs(parts(SAMPLES / f"image/demo.{ending}")[0].frames - reference).mean() < 8


@pytest.mark.data
def test_real_clips_by_both_decoders():
    require_data("av_clips")
    found = sorted(CLIPS.glob("*"))[:6]
    for path in found:
        for one, two in zip(parts(path), by_av(path), strict=True):
            assert one.frame_times == pytest.approx(two.frame_times, abs=2e-3)
            assert np.abs(one.frames.astype(int) - two.frames).mean() < 1


# ---- what is no media


def test_bad_files(tmp_path):
    def made(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    assert reason(made("empty.mp4", b"")) == "empty file"
    assert (
        reason(made("text.mp4", b"Dear reader,\n" * 50)) == "not an image, video or sound (looks like text)"
    )
    assert reason(made("list.mp4", b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n")).endswith("(looks like text)")
    assert reason(made("noise.jpg", bytes(range(1, 200)) * 30)) == "not an image, video or sound"
    assert reason(made("nothing.wav", float_wav(tmp_path / "x.wav", []).read_bytes())).startswith(
        "zero length"
    )
    assert reason(tmp_path / "gone.mp4") == "no such file"
    assert reason(tmp_path) == "a directory, not a file"


def test_paths_that_are_no_files(tmp_path):
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert reason(tmp_path / "loop.mp4") == "symbolic links in a loop"
    assert reason(tmp_path / "pipe.mp4") == "not a regular file"
    assert not media.looks_like_media(tmp_path / "loop") and not media.looks_like_media(tmp_path / "pipe")


def test_no_permission(tmp_path, monkeypatch):
    path = photo(tmp_path / "secret.jpg")
    path.chmod(0)
    if os.geteuid() == 0:  # root may read everything: let the system say what it says to others

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "open", refuse)
    assert reason(path) == "permission denied"


def test_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    path = clip(tmp_path / "clip.mp4").rename(tmp_path / name)
    assert parts(path)[0].frame_times == pytest.approx((0.5, 1.5))
    path.write_bytes(b"")
    with pytest.raises(MediaError, match=r"caf\\xe9.mp4: empty file"):
        media.probe(path)


def test_too_many_pixels_in_a_film(tmp_path):
    assert "megapixels" in reason(clip(tmp_path / "clip.mp4"), Limits(max_pixels=10_000))


def test_looks_like_media(tmp_path):
    photo(tmp_path / "card.png").rename(tmp_path / "card")
    (tmp_path / "notes").write_text("words")
    assert media.looks_like_media(tmp_path / "card") and media.looks_like_media(Path("a.MP4"))
    assert not media.looks_like_media(tmp_path / "notes") and not media.looks_like_media(tmp_path / "gone")


def test_decoders_say_nothing(tmp_path):
    """In a fresh process, as libraries write to the descriptor and not to sys.stderr."""
    whole = clip(tmp_path / "whole.mkv", seconds=20)
    cut_short(tmp_path / "cut.mkv", whole, 0.5)
    cut_short(tmp_path / "cut.mp4", clip(tmp_path / "whole.mp4"), 0.5)
    code = (
        "import sys; from pathlib import Path; from encoders import media\n"
        "for name in sys.argv[1:]:\n"
        "    try: [*media.read_segments(Path(name), media.probe(Path(name)))]\n"
        "    except media.MediaError: pass\n"
    )
    names = [str(tmp_path / name) for name in ("cut.mkv", "cut.mp4")]
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code, *names], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
