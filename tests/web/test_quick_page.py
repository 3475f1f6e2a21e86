"""The page over a library of toy encoders: that it comes up, searches, and says what is wrong."""

import pytest
from library_factory import gallery, index

from experiments.page_browser import serve_library

expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not here").expect


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """The page of a few photos, films and sounds."""
    folder = tmp_path_factory.mktemp("toys")
    index(folder / "lib", gallery(folder / "media", photos=4))
    with serve_library(folder / "lib") as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-state=ready]")
        yield page
        page.close()


def test_an_item_finds_what_is_like_it_and_a_bad_query_is_one_line(page):
    start = page.url.partition("?")[0]
    item = page.request.get(f"{start}api/items").json()["items"][0]
    page.goto(f"{start}?item={item['id']}")
    expect(page.locator(".chip")).to_contain_text(item["path"].rpartition("/")[2])
    expect(page.locator(".card").first).to_be_visible()
    page.goto(f"{start}?text=red&weights=nothing%3D1")
    expect(page.locator(".notice.error")).to_contain_text("o space 'nothing'")


def test_words_that_no_space_knows_are_said(page):
    page.goto(page.url.partition("?")[0])
    page.get_by_role("searchbox").fill("red")
    expect(page.locator("#search-note")).to_contain_text("no space knows these words")


def test_the_library_view_lists_every_item(page):
    page.goto(page.url.partition("?")[0] + "?view=library")
    expect(page.locator("#gallery-count")).to_contain_text("items")
    page.locator("#gallery").scroll_into_view_if_needed()
    expect(page.locator("#gallery li").first).to_be_visible()
