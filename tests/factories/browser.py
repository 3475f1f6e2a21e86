"""A real server over a library in a process of its own, and Debian's Chromium that opens its page."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from repository import ROOT

READY = re.compile(r"http://127\.0\.0\.1:\d+/")


def find_chromium():
    """Path of Chromium; skips the test where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium here (apt-get install chromium)")
    return path


@contextmanager
def open_browser():
    """Chromium without a window, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not here")
    path = find_chromium()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def serve_library(library):
    """`affect serve` over a library; gives the address of its page."""
    words = ["serve", "--library", str(library), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "retrieval", *words],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            line = process.stdout.readline()
            address = READY.search(line)
            assert address, f"the server said {line!r}"
            yield address.group()
        finally:
            process.terminate()
            process.wait(30)
