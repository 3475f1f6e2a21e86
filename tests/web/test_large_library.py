"""The page of 10,000 items: what is in the page stays little, and the last item is reached."""

import re

import pytest

from experiments.benchmarks.synthetic_library import write_synthetic_library
from experiments.page_browser import serve_library

expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not here").expect

pytestmark = pytest.mark.slow
ITEM_COUNT = 10_000
MAX_CARDS = 200  # in the page at a time


@pytest.fixture(scope="module")
def address(chromium, tmp_path_factory):
    """Where the page of a synthetic library is."""
    library = tmp_path_factory.mktemp("large") / "lib"
    write_synthetic_library(library, ITEM_COUNT, 0)
    with serve_library(library) as address:
        yield address


def test_10000_items_scroll(open_page):
    page = open_page()
    page.get_by_role("link", name="Library").click()
    expect(page.locator("#gallery-count")).to_have_text("10,000 items")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    last = page.locator(f"#gallery li[aria-posinset='{ITEM_COUNT}']")
    expect(last).to_be_visible()
    assert page.locator("#gallery li").count() < MAX_CARDS
    last.locator("button").focus()
    page.keyboard.press("Home")
    expect(page.locator("#gallery li[aria-posinset='1'] :focus")).to_be_visible()


def test_more_results_come_as_one_scrolls(open_page):
    page = open_page()
    page.get_by_label("Mood in words").fill("calm")
    page.keyboard.press("Enter")
    for count in (60, 240, 960, 3840, ITEM_COUNT):
        counted = re.compile(f"^({count}|{count:,}) results")
        expect(page.locator("#result-count")).to_contain_text(counted)
        assert page.locator("#results li").count() < MAX_CARDS
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(f"#results li[aria-posinset='{ITEM_COUNT}']")).to_be_visible()
