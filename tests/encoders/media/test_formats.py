"""Which files are media: by content and ending, sounds and films in many formats, and what is passed over."""

import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_factory import card, photo, tone

from encoders import media
from encoders.base import MediaError
from encoders.media.format_detection import EXTENSIONS, detect_format, get_extension_label
from encoders.media.formats import MEDIA_FORMATS

SOUNDS = {"au": "pcm_s16be", "snd": "pcm_s16be", "tta": "tta", "wv": "wavpack", "ac3": "ac3", "eac3": "eac3"}
SOUNDS |= {"voc": "pcm_s16le", "w64": "pcm_s16le", "caf": "pcm_s16be", "aif": "pcm_s16be", "mka": "flac"}
SOUNDS |= {"weba": "libopus", "mp2": "mp2", "m4b": "aac"}
CONTAINERS = {"snd": "au", "weba": "webm", "m4b": "ipod"}
FILMS = {"nut": "mpeg4", "y4m": "wrapped_avframe", "mxf": "mpeg2video", "ivf": "libvpx", "h264": "libx264"}
FILMS |= {
    "m2v": "mpeg2video",
    "mpv": "mpeg1video",
    "ts": "mpeg2video",
    "m2ts": "mpeg2video",
    "roq": "roqvideo",
}
FILMS |= {"wtv": "mpeg2video", "mk3d": "mpeg4", "divx": "mpeg4", "dv": "dvvideo"}
MUXERS = {"mpv": "mpeg1video", "mk3d": "matroska", "divx": "avi", "ts": "mpegts", "m2ts": "mpegts"}


def film(path, codec, muxer):
    size, pixels, rate = {
        "dv": ((720, 576), "yuv420p", 25),
        "roq": ((160, 128), "yuvj444p", 30),
    }.get(path.suffix[1:], ((160, 128), "yuv420p", 25))
    options = {"mpegts_m2ts_mode": "1"} if path.suffix == ".m2ts" else {}
    with av.open(str(path), "w", format=muxer, options=options) as container:
        track = container.add_stream(codec, rate=rate)
        track.width, track.height, track.pix_fmt = *size, pixels
        track.options = {"strict": "-2"}
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(card(*size, grey=index), format="rgb24").reformat(
                format=pixels
            )
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


def without_ending(path):
    bare = path.with_name("bare")
    bare.write_bytes(path.read_bytes())
    return bare


@pytest.mark.parametrize("ending", SOUNDS)
def test_sounds_are_read_with_and_without_their_ending(tmp_path, ending):
    path = sound(tmp_path / f"a.{ending}", SOUNDS[ending], CONTAINERS.get(ending))
    for name in (path, without_ending(path)):
        assert media.looks_like_media(name)
        found = media.probe(name)
        (part,) = media.read_segments(name, found)
        assert found.modality == "audio" and found.duration == pytest.approx(1, abs=0.15)
        assert np.argmax(np.abs(np.fft.rfft(part.audio.samples[:16000]))) == pytest.approx(440, abs=2)


def sound(path, codec, muxer):
    with av.open(str(path), "w", format=muxer) as container:
        rate = 48000
        options = {"strict": "-2"}
        track = container.add_stream(codec, rate=rate, layout="stereo", options=options)
        wave = np.tile(0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate), (2, 1)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        size = track.codec_context.frame_size or None
        for piece in av.AudioResampler(track.codec_context.format, "stereo", rate, size).resample(frame):
            container.mux(track.encode(piece))
        container.mux(track.encode())
    return path


@pytest.mark.parametrize("ending", FILMS)
def test_films_are_read_with_and_without_their_ending(tmp_path, ending):
    path = film(tmp_path / f"a.{ending}", FILMS[ending], MUXERS.get(ending))
    for name in (path, without_ending(path)):
        assert media.looks_like_media(name)
        found = media.probe(name)
        assert found.modality == "video" and next(media.read_segments(name, found)).frames is not None


TEXTS = {
    "app.ts": "import { a } from './b';\nexport const c: number = 1;\n" * 20,
    "app.mts": "export default {};\n" * 20,
    "board.dts": '/dts-v1/;\n/ { model = "x"; };\n' * 20,
    "words.voc": "hello\nworld\n" * 40,
    "list": "#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '/etc/passwd'\n",
    "a.svg": "<svg xmlns='http://www.w3.org/2000/svg'></svg>",
    "a.eps": "%!PS-Adobe-3.0 EPSF-3.0\n",
    "a.xpm": "/* XPM */\nstatic char *a[] = {};\n",
    "a.xbm": "#define a_width 16\n#define a_height 16\n",
    "P3 notes.txt": "P3 is the third of our plans, and P1 the first.\n",
    "gif.txt": "GIF89a is the name of a format.\n",
    "id3.txt": "ID3 tags are explained here, at some length, for all to read and enjoy.\n",
    "riff.txt": "RIFFsizeWAVE is how it begins\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_no_media(tmp_path, name):
    path = tmp_path / name
    path.write_text(TEXTS[name])
    assert not media.looks_like_media(path)
    for ending in ("jpg", "mp4", "ppm", "ts", "tga"):
        asked = tmp_path / f"asked.{ending}"
        asked.write_text(TEXTS[name])
        with pytest.raises(MediaError, match="not an image, video or sound"):
            list(media.read_segments(asked, media.probe(asked)))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("utf16.txt", "Привет, or how are you?\n".encode("utf-16") * 20),
        ("utf16be.reg", b"\xfe\xff" + "Windows Registry\n".encode("utf-16-be") * 20),
        ("a.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"),
        ("a.db", b"SQLite format 3\0\x10\0\1\1\0\x40\x20\x20" + bytes(500)),
        ("a.exe", b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + bytes(500)),
        ("a.so", b"\x7fELF\2\1\1\0" + bytes(500)),
        ("a.class", b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(500)),
        ("a.gz", b"\x1f\x8b\x08\0" + bytes(500)),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(500)),
        ("zeros.bin", bytes(1000)),
        ("ones.bin", b"\xff" * 1000),
        ("table.bin", bytes([0, 0, 2, 0]) + bytes(500)),
        ("a.mid", b"MThd\0\0\0\6\0\1\0\2" + bytes(500)),
        ("a.djvu", b"AT&TFORM\0\0\1\0DJVU" + bytes(500)),
        ("a.ttf", b"\0\1\0\0\0\x12\1\0" + bytes(500)),
    ],
)
def test_other_files_are_passed_over(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert not media.looks_like_media(tmp_path / name)


def test_archives_are_passed_over(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(photo(tmp_path / "a.jpg"))
    assert not media.looks_like_media(tmp_path / "a.zip")


def test_a_header_by_the_ending_alone_needs_the_ending(tmp_path):
    photo(tmp_path / "a.tga")
    head = (tmp_path / "a.tga").read_bytes()[:512]
    assert (
        detect_format(head, tmp_path / "a.TGA") == "tga" and detect_format(head, tmp_path / "a.dat") is None
    )


def test_an_ending_belongs_to_one_medium():
    endings: dict[str, str] = {}
    for known in MEDIA_FORMATS:
        for ending in known.extensions.split():
            assert endings.setdefault(ending, known.modality) == known.modality
    assert {f".{ending}" for ending in endings} == set(EXTENSIONS)


def test_a_damaged_file_with_a_shared_ending_is_not_passed_over(tmp_path):
    (tmp_path / "a.ts").write_bytes(bytes(range(256)) * 4)
    assert media.looks_like_media(tmp_path / "a.ts")


def test_a_sound_named_as_a_picture(tmp_path):
    path = tone(tmp_path / "a.wav").rename(tmp_path / "a.tga")
    assert media.probe(path).modality == "audio"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/notes.TXT", "txt"),
        ("backup.tar.gz", "gz"),
        ("README", "no ending"),
        ("a.dir/README", "no ending"),
        (".profile", "no ending"),
        ("Mr. Smith", "no ending"),
        ("caf\udce9.\udce9", "no ending"),
        ("x.\x1b[2J", "no ending"),
        ("a.averylongending", "no ending"),
        ("end.", "no ending"),
    ],
)
def test_kinds_of_skipped_files_are_named_by_their_endings(name, kind):
    assert get_extension_label(Path(name)) == kind
