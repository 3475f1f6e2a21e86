"""Files of items over HTTP: pictures, video and sound that a browser shows, all else to be saved only.

The type is that of the file's first bytes, as the decoders read them, and never that of its name. SVG and
HTML are no media here, so a file that was replaced by one is never shown as a part of the page.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import FileResponse

from encoders import MediaError, to_printable
from encoders.media import detect_format, read_header
from retrieval.web.errors import NotFoundError

UNKNOWN_TYPE = "application/octet-stream"
CONTENT_TYPES: Mapping[str, str] = {
    "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif", "bmp": "image/bmp",
    "avif": "image/avif", "ico": "image/x-icon",
    "mp4": "video/mp4", "mkv": "video/webm", "m4a": "audio/mp4", "mka": "audio/webm", "wav": "audio/wav",
    "ogg": "audio/ogg", "flac": "audio/flac", "mp3": "audio/mpeg",
}  # fmt: skip
"""By format, of those that browsers can show; of a container, what its sound or video is played as."""
OGG_VIDEO_TYPE = "video/ogg"


def make_media_response(path: Path, modality: str) -> FileResponse:
    """The file of an item, of which a client may ask for a range (RFC 9110, section 14).

    Raises NotFoundError for a file that is not there or can't be read now.
    """
    try:
        content_type = get_content_type(detect_format(read_header(path), path), modality)
        status = path.stat()
    except (MediaError, OSError) as error:
        reason = error.reason if isinstance(error, MediaError) else str(error.strerror)
        raise NotFoundError(f"{to_printable(path)}: {reason}") from error
    name = os.fsencode(path.name).decode("utf-8", "replace")
    return FileResponse(
        path,
        media_type=content_type,
        filename=name,
        stat_result=status,
        content_disposition_type="attachment" if content_type == UNKNOWN_TYPE else "inline",
        headers={"Cache-Control": "private, max-age=0, must-revalidate"},
    )


def get_content_type(format_name: str | None, modality: str) -> str:
    """The type of a file of this format (see `encoders.media.detect_format`) that holds this modality."""
    content_type = CONTENT_TYPES.get(format_name or "", UNKNOWN_TYPE)
    if modality == "video" and content_type == CONTENT_TYPES["ogg"]:
        return OGG_VIDEO_TYPE
    return content_type
