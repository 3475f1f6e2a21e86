"""Table of the supported and the refused file formats, with their extensions and magic numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from encoders.media import header_signatures

MediaModality = Literal["image", "video", "audio"]
HeaderCheck = Callable[[bytes], bool]


@dataclass(frozen=True, kw_only=True)
class MediaFormat:
    """A file format.

    `magic_numbers` are alternatives, each bytes at an offset; `header_check` detects formats that have none.
    Where `requires_extension` is True, `header_check` counts only for a file with one of the extensions.
    `pillow_format` is the name of Pillow's reader of a still picture; without it PyAV decodes the file.
    `refusal_reason` is the message for files of an unsupported format.
    """

    name: str
    modality: MediaModality
    extensions: str = ""
    magic_numbers: tuple[tuple[int, bytes], ...] = ()
    header_check: HeaderCheck | None = None
    requires_extension: bool = False
    is_text_based: bool = False  # the header may be printable text
    pillow_format: str | None = None
    refusal_reason: str | None = None

    def matches(self, header: bytes, extension: str) -> bool:
        """Whether a file with these first bytes and this extension (lower case, no dot) has this format."""
        for offset, magic in self.magic_numbers:
            if header.startswith(magic, offset):
                return True
        if self.header_check is None or (
            self.requires_extension and extension not in self.extensions.split()
        ):
            return False
        return self.header_check(header)


def _make_image_format(
    name: str, extensions: str, *magic_numbers: bytes, pillow_format: str | None = None, **options: object
) -> MediaFormat:
    """A still picture decoded by Pillow, whose format name is `name` in capitals by default."""
    starts = tuple((0, magic) for magic in magic_numbers)
    return MediaFormat(
        name=name,
        modality="image",
        extensions=extensions,
        magic_numbers=starts,
        pillow_format=pillow_format or name.upper(),
        **options,  # type: ignore[arg-type]
    )


def _make_riff_format(
    name: str, modality: MediaModality, extensions: str, riff_type: bytes, *magic_numbers: tuple[int, bytes]
) -> MediaFormat:
    def is_riff_type(header: bytes) -> bool:
        return header[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and header[8:12] == riff_type

    pillow = "WEBP" if riff_type == b"WEBP" else None
    return MediaFormat(
        name=name,
        modality=modality,
        extensions=extensions,
        magic_numbers=magic_numbers,
        header_check=is_riff_type,
        pillow_format=pillow,
    )


def _make_video_format(name: str, extensions: str, *magic_numbers: bytes, offset: int = 0) -> MediaFormat:
    return MediaFormat(
        name=name,
        modality="video",
        extensions=extensions,
        magic_numbers=tuple((offset, magic) for magic in magic_numbers),
    )


def _make_audio_format(name: str, extensions: str, *magic_numbers: bytes, offset: int = 0) -> MediaFormat:
    return MediaFormat(
        name=name,
        modality="audio",
        extensions=extensions,
        magic_numbers=tuple((offset, magic) for magic in magic_numbers),
    )


def _make_refused_format(
    name: str, refusal_reason: str, *magic_numbers: tuple[int, bytes], header_check: HeaderCheck | None = None
) -> MediaFormat:
    return MediaFormat(
        name=name,
        modality="image",
        magic_numbers=magic_numbers,
        header_check=header_check,
        refusal_reason=refusal_reason,
    )


JXL_REFUSAL = "JPEG XL pictures can't be read; save it as JPEG"
RAW_REFUSAL = "a camera's RAW can't be read; export it as JPEG"

# The first match counts.
MEDIA_FORMATS: tuple[MediaFormat, ...] = (
    _make_image_format("jpeg", "jpg jpeg jpe jfif mpo mjpeg mjpg", b"\xff\xd8\xff"),
    _make_image_format("png", "png apng", b"\x89PNG\r\n\x1a\n"),
    _make_riff_format("webp", "image", "webp", b"WEBP"),
    _make_image_format("gif", "gif", b"GIF8"),
    _make_image_format("bmp", "bmp dib", header_check=header_signatures.is_bmp),
    _make_image_format("dib", "dib", header_check=header_signatures.is_dib, requires_extension=True),
    _make_refused_format(
        "raw", RAW_REFUSAL, (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"), (0, b"IIU\0"), (0, b"FUJIFILMCCD-RAW")
    ),
    _make_refused_format("raw", RAW_REFUSAL, (4, b"ftypcrx "), (0, b"FOVb"), (0, b"\0MRM")),
    _make_image_format(
        "tiff", "tif tiff dng nef nrw cr2 arw srw pef", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"
    ),
    _make_image_format("avif", "avif avifs", header_check=header_signatures.is_avif),
    _make_refused_format(
        "heic", "HEIC pictures can't be read; save it as JPEG", header_check=header_signatures.is_heic
    ),
    _make_refused_format("jxl", JXL_REFUSAL, (0, b"\0\0\0\x0cJXL \r\n")),
    MediaFormat(
        name="jxl",
        modality="image",
        extensions="jxl",
        header_check=header_signatures.is_jxl,
        requires_extension=True,
        refusal_reason=JXL_REFUSAL,
    ),
    _make_image_format(
        "jp2", "jp2 jpx jpf j2k j2c jpc", b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51", pillow_format="JPEG2000"
    ),
    _make_image_format(
        "ppm", "ppm pgm pbm pnm pfm", header_check=header_signatures.is_netpbm, is_text_based=True
    ),
    _make_image_format("psd", "psd", b"8BPS\0\1"),
    _make_image_format("qoi", "qoi", b"qoif"),
    _make_image_format("dds", "dds", b"DDS \x7c\0\0\0"),
    _make_image_format("icns", "icns", b"icns"),
    _make_image_format("ico", "ico", header_check=header_signatures.is_ico),
    _make_image_format("cur", "cur", header_check=header_signatures.is_cur),
    _make_image_format("sun", "ras", b"\x59\xa6\x6a\x95"),
    _make_image_format("sgi", "sgi rgb rgba bw", header_check=header_signatures.is_sgi),
    _make_image_format("pcx", "pcx", header_check=header_signatures.is_pcx),
    _make_image_format("tga", "tga", header_check=header_signatures.is_tga, requires_extension=True),
    _make_audio_format("m4a", "m4a m4b m4r", b"ftypM4A", b"ftypM4B", offset=4),
    _make_video_format("mp4", "mp4 m4v mov qt 3gp 3g2 f4v", b"ftyp", b"moov", b"mdat", b"wide", offset=4),
    _make_video_format("mkv", "mkv webm mk3d", b"\x1aE\xdf\xa3"),
    _make_audio_format("mka", "mka weba"),
    _make_riff_format("avi", "video", "avi divx", b"AVI "),
    _make_riff_format("amv", "video", "amv", b"AMV "),
    _make_video_format("flv", "flv", b"FLV\x01"),
    _make_video_format("mpeg", "mpg mpeg m1v m2v mpv vob", b"\0\0\1\xba", b"\0\0\1\xb3"),
    MediaFormat(
        name="mpegts",
        modality="video",
        extensions="ts mts m2ts m2t tod",
        header_check=header_signatures.is_mpeg_ts,
    ),
    _make_video_format("asf", "wmv asf", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    _make_video_format("rm", "rm rmvb", b".RMF\0"),
    _make_video_format("dv", "dv dif", b"\x1f\x07\0"),
    _make_video_format("mxf", "mxf", b"\x06\x0e\x2b\x34\x02\x05\x01\x01"),
    _make_video_format("nut", "nut", b"nut/multimedia container\0"),
    MediaFormat(
        name="y4m",
        modality="video",
        extensions="y4m",
        magic_numbers=((0, b"YUV4MPEG2 W"),),
        is_text_based=True,
    ),
    _make_video_format("ivf", "ivf", b"DKIF\0\0"),
    _make_video_format("wtv", "wtv", b"\xb7\xd8\x00\x20\x37\x49\xda\x11"),
    _make_video_format("bink", "bik bk2", b"BIKb", b"BIKf", b"BIKg", b"BIKh", b"BIKi", b"KB2"),
    _make_video_format("smacker", "smk", b"SMK2", b"SMK4"),
    _make_video_format("roq", "roq", b"\x84\x10\xff\xff\xff\xff"),
    _make_video_format("nsv", "nsv", b"NSVf", b"NSVs"),
    _make_video_format("mve", "mve", b"Interplay MVE File\x1a\0"),
    MediaFormat(name="flic", modality="video", extensions="fli flc", header_check=header_signatures.is_flic),
    MediaFormat(
        name="raw stream",
        modality="video",
        extensions="h264 264 avc h265 265 hevc",
        header_check=header_signatures.is_elementary_stream,
    ),
    _make_riff_format("wav", "audio", "wav rf64 bwf", b"WAVE"),
    _make_audio_format("w64", "w64", b"riff\x2e\x91\xcf\x11"),
    _make_audio_format("ogg", "ogg oga ogv ogm ogx opus spx", b"OggS"),
    _make_audio_format("flac", "flac", b"fLaC"),
    MediaFormat(
        name="mp3",
        modality="audio",
        extensions="mp3 mp2 mpga aac adts",
        magic_numbers=((0, b"ID3"),),
        header_check=header_signatures.is_mpeg_audio,
    ),
    _make_audio_format("aiff", "aif aiff aifc", b"AIFF", b"AIFC", offset=8),
    _make_audio_format("8svx", "8svx iff", b"8SVX", b"16SV", offset=8),
    _make_audio_format("amr", "amr awb", b"#!AMR"),
    _make_audio_format("wavpack", "wv", b"wvpk"),
    _make_audio_format("caf", "caf", b"caff\0\1"),
    _make_audio_format("au", "au snd", b".snd\0\0"),
    _make_audio_format("tta", "tta", b"TTA1", b"TTA2"),
    _make_audio_format("ape", "ape", b"MAC "),
    _make_audio_format("musepack", "mpc", b"MP+\7", b"MP+\x17", b"MPCK"),
    _make_audio_format(
        "dts", "dts dtshd", b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\0", b"DTSHDHDR"
    ),
    _make_audio_format("ra", "ra", b".ra\xfd"),
    _make_audio_format("voc", "voc", b"Creative Voice File\x1a"),
    _make_audio_format("dsf", "dsf", b"DSD \x1c\0\0\0"),
    _make_audio_format("dff", "dff", b"FRM8"),
    _make_audio_format("oma", "oma aa3", b"EA3\x01", b"ea3\x03"),
    _make_audio_format("tak", "tak", b"tBaK"),
    _make_audio_format("shorten", "shn", b"ajkg"),
    _make_audio_format("wma", "wma"),
    MediaFormat(
        name="ac3", modality="audio", extensions="ac3 eac3 ec3", header_check=header_signatures.is_ac3
    ),
)
