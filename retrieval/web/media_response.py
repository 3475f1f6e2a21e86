"""Files of items over HTTP: pictures, video and sound that a browser shows, all else to be saved only.

The type is that of the file's first bytes, as the decoders read them, and never that of its name. SVG and
HTML are no media here, so neither is ever shown as a part of the page. A file that has changed since it was
indexed is not served: it may be another one by now.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from encoders import MediaError, describe_os_error, to_printable
from encoders.media import detect_format, read_header
from retrieval.storage import FileStamp
from retrieval.web.byte_ranges import UNIT, ByteRange, format_ranges, is_unchanged, select_ranges
from retrieval.web.errors import NotFoundError, make_error_answer

UNKNOWN_TYPE = "application/octet-stream"
CONTENT_TYPES: Mapping[str, str] = {
    "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif", "bmp": "image/bmp",
    "avif": "image/avif", "ico": "image/x-icon",
    "mp4": "video/mp4", "mkv": "video/webm", "m4a": "audio/mp4", "mka": "audio/webm", "wav": "audio/wav",
    "ogg": "audio/ogg", "flac": "audio/flac", "mp3": "audio/mpeg",
}  # fmt: skip
"""By format, of those that browsers can show; of a container, what its sound or video is played as."""
OGG_VIDEO_TYPE = "video/ogg"
CACHE_HEADERS = {"Cache-Control": "private, max-age=0, must-revalidate"}


class _PartialFileResponse(FileResponse):
    """A file, or the ranges of it that were found valid, whatever else the request says."""

    ranges: Sequence[ByteRange] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        headers = MutableHeaders(raw=list(scope["headers"]))
        for name in ("range", "if-range"):
            del headers[name]
        if self.ranges:
            headers["range"] = format_ranges(self.ranges)
        await super().__call__({**scope, "headers": headers.raw}, receive, send)


def make_media_response(path: Path, modality: str, stamp: FileStamp, request: Headers) -> Response:
    """The answer to a request for the file of an item, or ranges of it.

    stamp: of the file when it was indexed
    request: headers of the request

    Raises NotFoundError for a file that is not there or can't be read now, or has changed since.
    """
    file = _open_file(path, modality, stamp)
    etag = file.headers["etag"]
    if is_unchanged(request, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag, **CACHE_HEADERS})
    ranges = select_ranges(request, file.headers, stamp.size)
    if ranges is not None and not ranges:
        answer = make_error_answer(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"the file has {stamp.size} bytes, none of this range"
        )
        answer.headers["Content-Range"] = f"{UNIT} */{stamp.size}"
        return answer
    file.ranges = ranges or ()
    return file


def _open_file(path: Path, modality: str, stamp: FileStamp) -> _PartialFileResponse:
    try:
        if not stamp.matches_content(FileStamp.from_path(path)):
            raise NotFoundError(f"{to_printable(path)}: has changed since it was indexed")
        content_type = get_content_type(detect_format(read_header(path), path), modality)
        status = path.stat()
    except (MediaError, OSError) as error:
        reason = error.reason if isinstance(error, MediaError) else describe_os_error(error)
        raise NotFoundError(f"{to_printable(path)}: {reason}") from error
    name = os.fsencode(path.name).decode("utf-8", "replace")
    return _PartialFileResponse(
        path,
        media_type=content_type,
        filename=name,
        stat_result=status,
        content_disposition_type="attachment" if content_type == UNKNOWN_TYPE else "inline",
        headers=CACHE_HEADERS,
    )


def get_content_type(format_name: str | None, modality: str) -> str:
    """The type of a file of this format (see `encoders.media.detect_format`) that holds this modality."""
    content_type = CONTENT_TYPES.get(format_name or "", UNKNOWN_TYPE)
    if modality == "video" and content_type == CONTENT_TYPES["ogg"]:
        return OGG_VIDEO_TYPE
    return content_type
