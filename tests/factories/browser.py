"""Debian's Chromium for tests, which are skipped where it is not there."""

from contextlib import ExitStack, contextmanager

import pytest

from encoders import AffectError
from experiments.page_browser import open_browser

FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Chromium's own test sound, a beep each second."""


@contextmanager
def open_test_browser():
    """Chromium without a window; skips the test, and says why, where it or Playwright is not installed."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(open_browser(FAKE_MICROPHONE))
        except AffectError as error:
            pytest.skip(str(error))
        yield browser
