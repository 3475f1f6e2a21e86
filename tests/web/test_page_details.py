"""What the page does beside a search: the focus, odd files and names, the moment of a match, what fails."""

import shutil

import pytest

from experiments.page_browser import serve_library

expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not here").expect

pytestmark = pytest.mark.slow


def open_named(page, name):
    """Open the item with this name, as the page shows it, from the library view.

    The gallery holds only the tiles near the window, so it is scrolled to when all items are there.
    """
    expect(page.locator("#gallery-count")).to_contain_text("items")
    page.locator("#gallery").scroll_into_view_if_needed()
    page.locator(".tile").filter(has_text=name).click()
    expect(page.locator("#viewer-title")).to_have_text(name)


def hold_explanations(page):
    """Keep the explanations of results from the page until the function that is returned is called."""
    held = []

    def handle(route):
        if held is None:
            route.continue_()
        else:
            held.append(route)

    def release():
        nonlocal held
        routes, held = held, None
        for route in routes:
            route.continue_()

    page.route("**/api/search?*explain_items*", handle)
    return release


def test_a_sound_plays_from_the_moment_even_if_it_is_known_later(open_page):
    page = open_page("?text=music&modalities=audio,video")
    address = page.url.replace("/?", "/api/search?") + "&explain=1"
    results = page.request.get(address).json()["results"]
    result = next(one for one in results if (one["why"]["moment"] or 0) > (one["start"] or 0) + 1)
    release = hold_explanations(page)
    page.goto(page.url)
    if page.locator("#show-unlikely").is_visible():
        page.locator("#show-unlikely").click()
    page.locator(f"[data-id='{result['id']}'] .card-open").click()
    sound = page.locator("#viewer-player :is(audio, video)")
    expect(sound).to_have_js_property("paused", False)
    release()
    page.locator(".moment").wait_for()
    assert sound.evaluate("sound => sound.currentTime") >= result["why"]["moment"]


def test_who_has_moved_on_is_not_brought_back_to_the_moment(open_page):
    page = open_page("?text=music&modalities=audio")
    release = hold_explanations(page)
    page.goto(page.url)
    page.locator(".card-open").first.click()
    sound = page.locator("#viewer-player audio")
    expect(sound).to_have_js_property("paused", False)
    page.get_by_role("heading", level=2).and_(page.locator("#viewer-title")).click()
    page.keyboard.press("P")
    expect(sound).to_have_js_property("paused", True)
    before = sound.evaluate("sound => sound.currentTime")
    release()
    page.locator("#viewer-details").get_by_text("How the score adds up").wait_for()
    assert sound.evaluate("sound => sound.currentTime") == before


def test_an_animated_gif_moves(open_page, odd_names):
    page = open_page("?view=library")
    open_named(page, odd_names["blinking"])
    expect(page.locator("#viewer-player img")).to_have_js_property("naturalWidth", 160)
    assert "/media" in page.locator("#viewer-player img").get_attribute("src")
    expect(page.locator("#viewer-player")).not_to_contain_text("can't play")


@pytest.mark.parametrize("kind", ["wide", "long"])
def test_a_strip_is_seen_and_a_long_name_leaves_room_for_it(open_page, odd_names, kind):
    page = open_page("?view=library", width=360)
    open_named(page, odd_names[kind])
    picture = page.locator("#viewer-player img")
    picture.evaluate("picture => picture.decode()")
    box = picture.bounding_box()
    assert min(box["width"], box["height"]) >= 48
    assert box["width"] <= 360
    title = page.locator("#viewer-title")
    assert title.bounding_box()["height"] < 60
    assert title.get_attribute("title") == odd_names[kind]


def test_a_name_that_would_be_read_backwards_is_written_out(open_page):
    page = open_page("?view=library")
    open_named(page, "noise \\u202egpj.wav")
    assert "\u202e" not in page.locator("body").inner_text()


def test_what_shapes_letters_and_emoji_stays(open_page):
    page = open_page()
    script = """async (texts) => {
      const { toPrintable } = await import("/static/text_format.js");
      return texts.map(toPrintable);
    }"""
    kept = ["👩‍🚀.png", "❤️‍🔥.jpg", "می‌خواهم.wav", "naïve שלום.png"]
    hidden = {"a\u200bb": "a\\u200bb", "a\u200db": "a\\u200db", "x\ny": "x\\u000ay", "\U000e0041": "\\ue0041"}
    assert page.evaluate(script, kept) == kept
    assert page.evaluate(script, list(hidden)) == list(hidden.values())


def test_the_focus_stays_among_the_results(open_page):
    page = open_page("?text=a+cat")
    page.locator(".card-open").nth(1).focus()
    page.keyboard.press("Shift+M")
    expect(page.locator(".chip")).to_contain_text("like ")
    expect(page.locator("#results li[aria-posinset='1'] .card-open")).to_be_focused()
    gone = page.locator("#results li[aria-posinset='1']").get_attribute("data-id")
    page.keyboard.press("N")
    expect(page.locator("#results li[aria-posinset='1']")).not_to_have_attribute("data-id", gone)
    expect(page.locator("#results :focus")).to_have_class("card-open")
    page.get_by_role("button", name="Remove").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(":is(#query-chips, .search-field) :focus")).to_have_count(1)


def test_less_likely_results_fold_beneath_the_others(open_page):
    page = open_page("?text=a+cat&modalities=image")
    more = page.get_by_role("button", name="less likely results")
    folded = int(more.inner_text().split()[1])
    likely = page.locator("#results li").count()
    scores = [float(text) for text in page.locator(".card-score").all_inner_texts()]
    assert scores[-1] >= 0.1
    more.click()
    expect(more).to_be_hidden()
    expect(page.locator(f"#results li[aria-posinset='{likely + 1}'] .card-open")).to_be_focused()
    expect(page.locator("#results li").first).to_have_attribute("aria-setsize", str(likely + folded))
    page.get_by_role("searchbox").fill("a cat sleeping")
    expect(more).to_be_visible()


@pytest.mark.parametrize("content", ["", "&text=a+cat"])
def test_an_empty_region_is_said(content, open_page):
    page = open_page(f"?mood=-1.00,1.00&radius=0.05{content}")
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator("#search-note")).to_be_visible()
    expect(page.locator("#search-note")).to_contain_text("Hardly anything lies in this region")


def test_after_an_error_nothing_of_another_query_is_shown(open_page):
    page = open_page("?text=a+cat")
    expect(page.locator(".card").first).to_be_visible()
    page.route("**/api/search?*", lambda route: route.fulfill(status=400, json={"error": "not so"}))
    page.get_by_role("searchbox").fill("a dog")
    expect(page.locator(".notice.error")).to_contain_text("Not so")
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("#result-count")).to_be_empty()
    page.get_by_role("searchbox").fill("")
    expect(page.locator(".notice.error")).to_have_count(0)


def test_a_mood_that_can_not_be_read_leaves_no_mark_of_the_one_before(open_page):
    page = open_page("?mood=calm")
    mark = page.locator("#mood-status")
    expect(mark).to_contain_text("near “calm”")
    words = page.get_by_label("Mood in words")
    words.fill("clam")
    words.press("Enter")
    expect(page.locator(".notice.error")).to_contain_text("did you mean calm?")
    expect(mark).to_be_empty()


def test_a_point_stays_marked_where_the_search_fails(open_page):
    page = open_page("?mood=0.50,-0.50")
    page.route("**/api/search?*", lambda route: route.fulfill(status=400, json={"error": "not so"}))
    page.locator("#mood-plane").press("ArrowRight")
    expect(page.locator(".notice.error")).to_contain_text("Not so")
    expect(page.locator("#mood-status")).to_contain_text("valence +0.55")


def test_a_link_to_a_course_or_nudge_of_nothing_is_no_error(open_page):
    page = open_page("?then=0.5,0.5&nudge=calmer&radius=0.2")
    expect(page.locator("#welcome")).to_be_visible()
    page = open_page("?text=a+cat&then=0.5,0.5")
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator("#notices .notice")).to_have_count(0)


def test_all_of_a_fold_button_is_seen_on_a_phone(open_page):
    page = open_page("?text=a+cat", width=360)
    fold = page.get_by_role("button", name="more nearly the same")
    box, card = fold.bounding_box(), page.locator(".card").filter(has=fold).bounding_box()
    assert box["width"] >= 24
    assert box["x"] + box["width"] <= card["x"] + card["width"]
    assert fold.evaluate("fold => fold.scrollWidth <= fold.clientWidth")


def test_the_results_are_drawn_when_what_is_above_them_closes(open_page):
    page = open_page("?text=a+cat", width=360, height=640)
    expect(page.locator("#results li").first).to_be_attached()
    boxes = page.locator("#mood-box, #more")
    boxes.evaluate_all("boxes => { for (const box of boxes) box.open = true; }")
    page.evaluate("scrollTo(0, 50)")
    expect(page.locator("#results li")).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")
    boxes.evaluate_all("boxes => { for (const box of boxes) box.open = false; }")
    expect(page.locator("#results li").first).to_be_visible()


def test_a_map_of_a_sample_says_so(open_page):
    page = open_page("?view=library")
    expect(page.locator("#gallery li").first).to_be_visible()
    expect(page.locator("#map-sample")).to_be_hidden()
    page.route("**/api/map", lambda route: route.fulfill(json={**route.fetch().json(), "total": 1_000_000}))
    page.reload()
    expect(page.locator("#map-sample")).to_contain_text("of 1,000,000 items")


def test_indexing_waits_for_another_writer(open_page):
    status = {"job": None, "running": False, "progress": None, "summary": None, "error": None, "log": []}
    routes = {"GET": {**status, "roots": ["/photos"], "writer": 42}}
    page = open_page()
    page.route("**/api/index/events", lambda route: route.abort())
    page.route("**/api/index", lambda route: route.fulfill(json=routes[route.request.method]))
    page.goto(page.url + "?view=library")
    expect(page.locator("#index-state")).to_contain_text("Another process (42)")
    expect(page.locator("#add-folder-start")).to_be_disabled()
    expect(page.locator("#index-again")).to_be_disabled()


def test_a_library_that_is_moved_keeps_the_page_until_it_is_back(browser, media, tmp_path):
    (tmp_path / "photos").mkdir()
    shutil.copy(media / "skimage-coffee.png", tmp_path / "photos")
    library, moved = tmp_path / "lib", tmp_path / "moved"
    with serve_library(library) as address:
        page = browser.new_page()
        page.goto(f"{address}?view=library")
        page.get_by_label("Folder to index").fill(str(tmp_path / "photos"))
        page.get_by_role("button", name="Index it").click()
        page.wait_for_selector("body[data-state=ready]", timeout=90_000)
        expect(page.locator("#running-job")).to_be_hidden(timeout=90_000)
        page.get_by_role("button", name="Index again").click()
        expect(page.locator("#index-state")).to_have_text("Nothing is running.", timeout=90_000)
        expect(page.locator("#index-roots")).to_contain_text("photos")
        expect(page.locator(".notice.error")).to_have_count(0)
        library.rename(moved)
        page.get_by_role("link", name="Search").click()
        page.get_by_role("searchbox").fill("a cup of coffee")
        page.wait_for_selector("body[data-state=gone]")
        expect(page.locator("#notices .notice")).to_contain_text("not there now")
        expect(page.locator("#first-run")).to_be_hidden()
        moved.rename(library)
        page.wait_for_selector("body[data-state=ready]")
        expect(page.locator("#notices .notice")).to_have_count(0)
        expect(page.locator(".card-name").first).to_have_text("skimage-coffee.png")
        page.close()
