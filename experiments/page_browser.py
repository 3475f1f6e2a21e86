"""A server of a library in a process of its own, and Chromium, driven by Playwright, to open its page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from encoders import AffectError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")
END_SECONDS = 30.0  # to wait for the server to end


def find_chromium() -> Path:
    """Where Chromium is. Raises AffectError where it or Playwright is not installed."""
    if find_spec("playwright") is None:
        raise AffectError("the package playwright is not here: pip install playwright")
    path = shutil.which("chromium")
    if path is None:
        raise AffectError("there is no chromium here: apt-get install chromium")
    return Path(path)


@contextmanager
def open_browser(options: Sequence[str] = ()) -> Iterator[Browser]:
    """Chromium without a window, with options of its command line. Raises as `find_chromium`.

    While it is open, an event loop runs on this thread.
    """
    path = find_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", *options])
        yield browser
        browser.close()


@contextmanager
def serve_library(library: Path) -> Iterator[str]:
    """The address of the page of a library, which need not exist yet. Raises AffectError without one."""
    words = [sys.executable, "-m", "retrieval", "serve", "--library", str(library), "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = ADDRESS.search(line)
            if address is None:
                raise AffectError(f"{library}: affect serve gave no address")
            yield address.group()
        finally:
            process.terminate()
            process.wait(END_SECONDS)
