"""The URL that names a library in Milvus: milvus://[user:password@]host[:port]/name[?patience=SECONDS]."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from encoders import AffectError, to_printable

TRANSPORTS = {"milvus": "http", "milvus+tls": "https"}  # by scheme
DEFAULT_PORT = 19530
DEFAULT_PATIENCE_SECONDS = 60.0
FORM = "milvus://host:port/name"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, kw_only=True)
class MilvusUrl:
    """Where a library in Milvus is.

    name:     of the library; its collections begin with it
    patience: seconds for which a call is tried again while the server does not answer
    """

    scheme: str
    host: str
    port: int
    name: str
    patience: float = DEFAULT_PATIENCE_SECONDS
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Without user and password, for messages."""
        return f"{self.scheme}://{self.host}:{self.port}/{self.name}"

    def to_full_text(self) -> str:
        """With user, password and patience: what `parse` reads as this URL."""
        user = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{user}{host}:{self.port}/{self.name}?patience={self.patience!r}"

    @property
    def server(self) -> str:
        """The address for the client."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{TRANSPORTS[self.scheme]}://{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL. Raises AffectError for one that names no library."""
        shown = to_printable(re.sub(r"//[^/@]*@", "//", text))
        try:
            parts = urlsplit(text)
            port = parts.port or DEFAULT_PORT
        except ValueError as error:
            raise AffectError(f"{shown}: {error}; write it as {FORM}") from error
        if parts.scheme not in TRANSPORTS:
            raise AffectError(f"{shown}: no library is at such a URL; write it as {FORM}, or name a folder")
        name = parts.path.strip("/")
        if not parts.hostname or not _NAME.fullmatch(name):
            raise AffectError(
                f"{shown}: write it as {FORM}, the name of at most 64 letters, digits and _, a letter first"
            )
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port,
            name=name,
            patience=_parse_patience(shown, dict(parse_qsl(parts.query, keep_blank_values=True))),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


def _parse_patience(shown: str, options: dict[str, str]) -> float:
    text = options.pop("patience", str(DEFAULT_PATIENCE_SECONDS))
    if options:
        raise AffectError(f"{shown}: no option {', '.join(sorted(options))}; there is patience=SECONDS")
    try:
        patience = float(text)
    except ValueError:
        patience = -1.0
    if not 0 <= patience <= 86400:
        raise AffectError(f"{shown}: patience={to_printable(text)}: give seconds, from 0 to 86400")
    return patience
