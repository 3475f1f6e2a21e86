"""One table of the formats that are read: the endings their files have, and first bytes that tell them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from encoders.media import header_signatures

Medium = Literal["image", "video", "audio"]
Check = Callable[[bytes], bool]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format.

    `magics` are alternatives, each bytes at an offset; `check` tells formats that have none. Where `ending`
    is True, `check` counts only for a file with one of the endings. `pillow` is the name of Pillow's reader
    of a still picture; without it PyAV reads the file. `refusal` says why files of this format can't be read.
    """

    kind: str
    medium: Medium
    endings: str = ""
    magics: tuple[tuple[int, bytes], ...] = ()
    check: Check | None = None
    ending: bool = False
    text: bool = False  # the first bytes may be nothing but printable characters
    pillow: str | None = None
    refusal: str | None = None

    def tells(self, head: bytes, ending: str) -> bool:
        """Whether a file with these first bytes and this ending (lower case, no dot) has this format."""
        for offset, magic in self.magics:
            if head.startswith(magic, offset):
                return True
        if self.check is None or (self.ending and ending not in self.endings.split()):
            return False
        return self.check(head)


def _image(kind: str, endings: str, *magics: bytes, pillow: str | None = None, **more: object) -> Format:
    """A still picture that Pillow reads, by the kind's name in capitals unless told another."""
    starts = tuple((0, magic) for magic in magics)
    return Format(
        kind=kind,
        medium="image",
        endings=endings,
        magics=starts,
        pillow=pillow or kind.upper(),
        **more,  # type: ignore[arg-type]
    )


def _riff(kind: str, medium: Medium, endings: str, form: bytes, *more: tuple[int, bytes]) -> Format:
    def check(head: bytes) -> bool:
        return head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == form

    pillow = "WEBP" if form == b"WEBP" else None
    return Format(kind=kind, medium=medium, endings=endings, magics=more, check=check, pillow=pillow)


def _video(kind: str, endings: str, *magics: bytes, at: int = 0) -> Format:
    return Format(kind=kind, medium="video", endings=endings, magics=tuple((at, magic) for magic in magics))


def _sound(kind: str, endings: str, *magics: bytes, at: int = 0) -> Format:
    return Format(kind=kind, medium="audio", endings=endings, magics=tuple((at, magic) for magic in magics))


def _refused(kind: str, refusal: str, *magics: tuple[int, bytes], check: Check | None = None) -> Format:
    return Format(kind=kind, medium="image", magics=magics, check=check, refusal=refusal)


JXL = "JPEG XL pictures can't be read; save it as JPEG"
RAW = "a camera's RAW can't be read; export it as JPEG"

# The first format that a file's first bytes tell is taken.
TABLE: tuple[Format, ...] = (
    _image("jpeg", "jpg jpeg jpe jfif mpo mjpeg mjpg", b"\xff\xd8\xff"),
    _image("png", "png apng", b"\x89PNG\r\n\x1a\n"),
    _riff("webp", "image", "webp", b"WEBP"),
    _image("gif", "gif", b"GIF8"),
    _image("bmp", "bmp dib", check=header_signatures.is_bmp),
    _image("dib", "dib", check=header_signatures.is_dib, ending=True),
    _refused("raw", RAW, (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"), (0, b"IIU\0"), (0, b"FUJIFILMCCD-RAW")),
    _refused("raw", RAW, (4, b"ftypcrx "), (0, b"FOVb"), (0, b"\0MRM")),
    _image("tiff", "tif tiff dng nef nrw cr2 arw srw pef", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    _image("avif", "avif avifs", check=header_signatures.is_avif),
    _refused("heic", "HEIC pictures can't be read; save it as JPEG", check=header_signatures.is_heic),
    _refused("jxl", JXL, (0, b"\0\0\0\x0cJXL \r\n")),
    Format(
        kind="jxl", medium="image", endings="jxl", check=header_signatures.is_jxl, ending=True, refusal=JXL
    ),
    _image("jp2", "jp2 jpx jpf j2k j2c jpc", b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51", pillow="JPEG2000"),
    _image("ppm", "ppm pgm pbm pnm pfm", check=header_signatures.is_portable, text=True),
    _image("psd", "psd", b"8BPS\0\1"),
    _image("qoi", "qoi", b"qoif"),
    _image("dds", "dds", b"DDS \x7c\0\0\0"),
    _image("icns", "icns", b"icns"),
    _image("ico", "ico", check=header_signatures.is_icon),
    _image("cur", "cur", check=header_signatures.is_cursor),
    _image("sun", "ras", b"\x59\xa6\x6a\x95"),
    _image("sgi", "sgi rgb rgba bw", check=header_signatures.is_sgi),
    _image("pcx", "pcx", check=header_signatures.is_pcx),
    _image("tga", "tga", check=header_signatures.is_tga, ending=True),
    _sound("m4a", "m4a m4b m4r", b"ftypM4A", b"ftypM4B", at=4),
    _video("mp4", "mp4 m4v mov qt 3gp 3g2 f4v", b"ftyp", b"moov", b"mdat", b"wide", at=4),
    _video("mkv", "mkv webm mk3d", b"\x1aE\xdf\xa3"),
    _sound("mka", "mka weba"),
    _riff("avi", "video", "avi divx", b"AVI "),
    _riff("amv", "video", "amv", b"AMV "),
    _video("flv", "flv", b"FLV\x01"),
    _video("mpeg", "mpg mpeg m1v m2v mpv vob", b"\0\0\1\xba", b"\0\0\1\xb3"),
    Format(
        kind="mpegts",
        medium="video",
        endings="ts mts m2ts m2t tod",
        check=header_signatures.is_transport_stream,
    ),
    _video("asf", "wmv asf", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    _video("rm", "rm rmvb", b".RMF\0"),
    _video("dv", "dv dif", b"\x1f\x07\0"),
    _video("mxf", "mxf", b"\x06\x0e\x2b\x34\x02\x05\x01\x01"),
    _video("nut", "nut", b"nut/multimedia container\0"),
    Format(kind="y4m", medium="video", endings="y4m", magics=((0, b"YUV4MPEG2 W"),), text=True),
    _video("ivf", "ivf", b"DKIF\0\0"),
    _video("wtv", "wtv", b"\xb7\xd8\x00\x20\x37\x49\xda\x11"),
    _video("bink", "bik bk2", b"BIKb", b"BIKf", b"BIKg", b"BIKh", b"BIKi", b"KB2"),
    _video("smacker", "smk", b"SMK2", b"SMK4"),
    _video("roq", "roq", b"\x84\x10\xff\xff\xff\xff"),
    _video("nsv", "nsv", b"NSVf", b"NSVs"),
    _video("mve", "mve", b"Interplay MVE File\x1a\0"),
    Format(kind="flic", medium="video", endings="fli flc", check=header_signatures.is_flic),
    Format(
        kind="raw stream",
        medium="video",
        endings="h264 264 avc h265 265 hevc",
        check=header_signatures.is_elementary_stream,
    ),
    _riff("wav", "audio", "wav rf64 bwf", b"WAVE"),
    _sound("w64", "w64", b"riff\x2e\x91\xcf\x11"),
    _sound("ogg", "ogg oga ogv ogm ogx opus spx", b"OggS"),
    _sound("flac", "flac", b"fLaC"),
    Format(
        kind="mp3",
        medium="audio",
        endings="mp3 mp2 mpga aac adts",
        magics=((0, b"ID3"),),
        check=header_signatures.is_mpeg_sound,
    ),
    _sound("aiff", "aif aiff aifc", b"AIFF", b"AIFC", at=8),
    _sound("8svx", "8svx iff", b"8SVX", b"16SV", at=8),
    _sound("amr", "amr awb", b"#!AMR"),
    _sound("wavpack", "wv", b"wvpk"),
    _sound("caf", "caf", b"caff\0\1"),
    _sound("au", "au snd", b".snd\0\0"),
    _sound("tta", "tta", b"TTA1", b"TTA2"),
    _sound("ape", "ape", b"MAC "),
    _sound("musepack", "mpc", b"MP+\7", b"MP+\x17", b"MPCK"),
    _sound("dts", "dts dtshd", b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\0", b"DTSHDHDR"),
    _sound("ra", "ra", b".ra\xfd"),
    _sound("voc", "voc", b"Creative Voice File\x1a"),
    _sound("dsf", "dsf", b"DSD \x1c\0\0\0"),
    _sound("dff", "dff", b"FRM8"),
    _sound("oma", "oma aa3", b"EA3\x01", b"ea3\x03"),
    _sound("tak", "tak", b"tBaK"),
    _sound("shorten", "shn", b"ajkg"),
    _sound("wma", "wma"),
    Format(kind="ac3", medium="audio", endings="ac3 eac3 ec3", check=header_signatures.is_ac3),
)
