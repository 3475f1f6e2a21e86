"""The page in a real browser, over a real server and library."""

import io
import shutil
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from experiments.page_browser import serve_library

expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not here").expect

pytestmark = pytest.mark.slow

DROP = """([name, type, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
  for (const event of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(
      new DragEvent(event, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


COPY = """(bytes) => navigator.clipboard.write(
  [new ClipboardItem({ "image/png": new Blob([new Uint8Array(bytes)], { type: "image/png" }) })])"""


def get_query(page):
    """The fields of the query in the page's address."""
    return parse_qs(urlsplit(page.url).query)


def first_name(page):
    return page.locator(".card-name").first


def type_words(page, words):
    page.get_by_role("searchbox").press_sequentially(words)


def test_results_follow_the_words_and_the_address_keeps_them(open_page):
    page = open_page()
    type_words(page, "a cup of coffee")
    expect(first_name(page)).to_have_text("skimage-coffee.png")
    assert get_query(page) == {"text": ["a cup of coffee"]}
    expect(page.locator("#result-count")).to_contain_text("results in")


def test_the_answer_of_an_earlier_query_is_never_shown(open_page):
    page = open_page()
    held = []
    page.route("**/api/search?*text=a+cat&*", lambda route: held.append(route))
    with page.expect_request("**/api/search?*text=a+cat&*"):
        page.get_by_role("searchbox").fill("a cat")
    with page.expect_response("**/api/search?*rocket*"):
        page.get_by_role("searchbox").fill("a rocket in the sky")
    expect(first_name(page)).to_have_text("skimage-rocket.jpg")
    assert held, "the first query was on its way"
    for route in held:
        route.continue_()
    page.wait_for_timeout(500)
    expect(first_name(page)).to_have_text("skimage-rocket.jpg")


def test_each_result_says_why_it_was_found(open_page):
    page = open_page("?text=a+cat")
    expect(first_name(page)).to_contain_text("chelsea")
    expect(page.locator(".card-summary").first).to_contain_text("shows: ")
    page.locator(".card-open").first.click()
    details = page.locator("#viewer-details")
    expect(details).to_contain_text("It shows")
    expect(details.locator(".abstains").first).to_contain_text("abstains")
    expect(details).to_contain_text("one standard deviation")


def test_a_dropped_picture_finds_the_one_it_is_like(open_page, mirrored_cat):
    page = open_page()
    page.evaluate(DROP, [mirrored_cat.name, "image/jpeg", list(mirrored_cat.read_bytes())])
    expect(page.locator(".chip")).to_contain_text(mirrored_cat.name)
    expect(first_name(page)).to_contain_text("chelsea")
    assert set(get_query(page)) == {"image"}


def test_a_pasted_picture_finds_the_one_it_is_like_and_pasted_words_stay_words(open_page, mirrored_cat):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    with Image.open(mirrored_cat) as cat:
        cat.save(png := io.BytesIO(), "png")
    page.evaluate(COPY, list(png.getvalue()))
    page.keyboard.press("Control+V")
    expect(page.locator(".chip")).to_contain_text("image.png")
    expect(first_name(page)).to_contain_text("chelsea")
    assert set(get_query(page)) == {"image"}
    page.evaluate("() => navigator.clipboard.writeText('in the dark')")
    page.get_by_role("searchbox").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_role("searchbox")).to_have_value("in the dark")
    page.wait_for_function("() => location.search.includes('text=in+the+dark')")
    assert set(get_query(page)) == {"image", "text"}


def test_a_chosen_sound_goes_with_words(open_page, media):
    page = open_page("?text=rain")
    page.locator("#media-file").set_input_files(media / "rendered-rain.flac")
    expect(page.locator(".chip")).to_contain_text("rendered-rain.flac")
    expect(first_name(page)).to_have_text("rendered-rain.flac")
    assert set(get_query(page)) == {"text", "audio"}


def test_a_file_that_is_no_medium_is_refused_in_one_line(open_page, tmp_path):
    page = open_page()
    (tmp_path / "notes.txt").write_text("not a picture")
    page.locator("#media-file").set_input_files(tmp_path / "notes.txt")
    expect(page.locator(".notice.error")).to_contain_text("notes.txt")
    assert get_query(page) == {}


def test_a_recording_is_searched_with(open_page):
    page = open_page()
    page.get_by_role("button", name="Record a sound").click()
    expect(page.locator(".notice.busy").first).to_contain_text("Recording")
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.locator(".chip")).to_contain_text("recording.webm")
    expect(page.locator(".card").first).to_be_visible()
    assert set(get_query(page)) == {"audio"}


def plane_point(page, valence, arousal):
    """Where a point of the plane is in the window; 14 pixels of margin, as the page draws it."""
    box = page.locator("#mood-plane").bounding_box()
    scale = box["width"] / 2 - 14
    return box["x"] + box["width"] / 2 + valence * scale, box["y"] + box["height"] / 2 - arousal * scale


def test_a_click_on_the_plane_searches_by_mood(open_page):
    page = open_page()
    page.mouse.click(*plane_point(page, 0.5, -0.5))
    expect(page.locator(".card").first).to_be_visible()
    valence, arousal = map(float, get_query(page)["mood"][0].split(","))
    assert (valence, arousal) == pytest.approx((0.5, -0.5), abs=0.02)
    expect(page.locator("#mood-status")).to_contain_text("near “calm”")


def test_a_drag_on_the_plane_gives_a_radius(open_page):
    page = open_page()
    page.mouse.move(*plane_point(page, 0.2, 0))
    page.mouse.down()
    page.mouse.move(*plane_point(page, 0.4, 0), steps=4)
    page.mouse.move(*plane_point(page, 0.6, 0), steps=4)
    page.mouse.up()
    expect(page.locator(".card").first).to_be_visible()
    assert float(get_query(page)["radius"][0]) == pytest.approx(0.4, abs=0.03)
    page.go_back()
    expect(page.locator("#welcome")).to_be_visible()  # the whole drag was one step


def test_a_drawn_course_starts_and_ends(open_page):
    page = open_page()
    page.get_by_role("button", name="Draw a course").click()
    page.mouse.move(*plane_point(page, -0.5, -0.4))
    page.mouse.down()
    page.mouse.move(*plane_point(page, 0.6, 0.5), steps=6)
    page.mouse.up()
    expect(page.locator("#mood-status")).to_contain_text("From valence −0.")
    assert {"mood", "then"} == set(get_query(page))


def test_the_dial_weighs_content_against_mood(open_page):
    page = open_page("?text=an+animal&mood=0.60,0.50")
    expect(page.locator("#dial-value")).to_have_text("50 : 50")
    dial = page.get_by_role("slider", name="Content : mood")
    dial.fill("0")
    expect(page.locator("#dial-value")).to_have_text("100 : 0")
    by_content = page.locator(".card-name")
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")
    names = by_content.all_inner_texts()
    dial.fill("1")
    expect(page.locator("#dial-value")).to_have_text("0 : 100")
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")
    assert by_content.all_inner_texts() != names
    assert get_query(page)["affect"] == ["1"]


def test_the_usual_weight_of_a_mood_is_that_of_the_answer(open_page):
    page = open_page("?text=an+animal")
    expect(page.locator(".card").first).to_be_visible()
    held = []
    page.route("**/api/search?*mood=*", lambda route: held.append(route))
    with page.expect_request("**/api/search?*mood=*"):
        page.locator("#mood-plane").press("ArrowRight")
    expect(page.locator("#dial-value")).to_have_text("100 : 0")
    assert held, "the search by mood was on its way"
    held.pop().continue_()
    expect(page.locator("#dial-value")).to_have_text("50 : 50")
    page.unroute("**/api/search?*mood=*")
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#dial-value")).to_have_text("0 : 100")
    page.locator("#clear-mood").click()
    expect(page.locator("#dial-value")).to_have_text("100 : 0")


def test_a_mood_that_the_text_names_shows_its_weight_and_can_be_left_out(open_page):
    page = open_page("?text=happy+music")
    expect(page.locator("#dial-value")).to_have_text("50 : 50")
    expect(page.locator("#mood-status")).to_contain_text("happy")
    expect(page.get_by_text("the mood 'happy' too")).to_be_visible()
    page.get_by_role("slider", name="Content : mood").fill("0")
    expect(page.locator("#dial-value")).to_have_text("100 : 0")
    expect(page.get_by_text("the mood 'happy' too")).to_have_count(0)
    expect(page.locator("#dial-value")).to_have_text("100 : 0")
    assert get_query(page)["affect"] == ["0"]


def test_a_mood_that_the_text_names_is_cleared_by_the_plane_and_by_its_button(open_page):
    for clear in ("key", "button"):
        page = open_page("?text=something+sad")
        expect(page.locator("#dial-value")).to_have_text("0 : 100")
        if clear == "key":
            page.locator("#mood-plane").press("Delete")
        else:
            page.locator("#clear-mood").click()
        expect(page.locator("#dial-value")).to_have_text("100 : 0")
        expect(page.get_by_text("looks for the mood")).to_have_count(0)
        assert get_query(page)["affect"] == ["0"]


def test_chips_leave_one_kind_of_media(open_page):
    page = open_page("?text=music")
    page.get_by_role("button", name="sounds").click()
    expect(page.locator(".badge:not([data-modality=audio])")).to_have_count(0)
    expect(page.locator(".badge[data-modality=audio]").first).to_be_visible()


def test_a_least_score_is_honest_when_nothing_matches(open_page):
    page = open_page("?text=a+submarine&min_score=0.95")
    expect(page.locator("#search-note")).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)


def test_more_like_a_result_and_calmer(open_page):
    page = open_page("?text=a+rocket+in+the+sky")
    expect(first_name(page)).to_have_text("skimage-rocket.jpg")
    page.get_by_role("button", name="Like skimage-rocket.jpg, but calmer").click()
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".chip").first).to_contain_text("like skimage-rocket.jpg")
    assert get_query(page)["nudge"] == ["calmer"]
    page.get_by_role("button", name="Remove calmer").click()
    assert set(get_query(page)) == {"item"}


def test_near_duplicates_fold_beneath_the_first(open_page):
    page = open_page("?text=a+cat")
    cats = page.locator(".card-name", has_text="chelsea")
    expect(cats).to_have_count(1)
    page.get_by_role("button", name="Show 1 more nearly the same").click()
    expect(cats).to_have_count(2)
    page.get_by_role("button", name="Fold what is nearly the same").click()
    expect(cats).to_have_count(1)


def test_a_face_is_outlined_where_the_mood_was_read_from_it(open_page):
    page = open_page("?text=an+astronaut&modalities=image")
    page.locator(".card", has_text="skimage-astronaut.png").locator(".card-open").click()
    outline = page.locator(".face-outline")
    expect(outline).to_have_count(1)
    expect(page.locator(".picture-frame img")).to_have_js_property("naturalWidth", 512)
    picture, face = page.locator(".picture-frame").bounding_box(), outline.bounding_box()
    assert 0.3 < (face["x"] + face["width"] / 2 - picture["x"]) / picture["width"] < 0.6
    assert (face["y"] + face["height"] / 2 - picture["y"]) / picture["height"] < 0.4


def test_a_caption_is_suggested_saved_and_taken_back(open_page):
    page = open_page("?text=a+cup+of+coffee")
    expect(first_name(page)).to_have_text("skimage-coffee.png")
    page.locator(".card-open").first.click()
    field = page.get_by_label("In your words")
    expect(field).to_have_value("espresso")
    field.fill("my morning coffee")
    page.get_by_role("button", name="Save caption").click()
    expect(page.locator(".caption-form")).to_contain_text("Saved")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Library").click()
    expect(page.locator("#captions-list")).to_contain_text("skimage-coffee.png: my morning coffee")
    page.get_by_role("button", name="Take back the caption of skimage-coffee.png").click()
    expect(page.locator("#captions-count")).to_have_text("0 captions")


@pytest.mark.parametrize(("motion", "count"), [("no-preference", 1), ("reduce", 0)])
def test_a_video_plays_under_the_pointer_unless_motion_is_not_wanted(open_page, motion, count):
    page = open_page("?text=music&modalities=video", reduced_motion=motion)
    page.locator(".card", has_text="iscc_samples-demo.mp4").locator(".card-open").hover()
    page.wait_for_timeout(700)
    expect(page.locator(".hover-video")).to_have_count(count)


def test_not_this_leaves_out_what_it_shows(open_page):
    page = open_page("?text=an+animal")
    expect(page.locator(".card").first).to_be_visible()
    first = page.locator(".card-name", has_text="chelsea").inner_text()
    page.get_by_role("button", name=f"Not {first}").click()
    expect(page.locator(".chip")).to_contain_text("not “")
    assert "cat" in get_query(page)["not"][0]


def test_a_video_plays_from_the_segment_that_was_found(open_page):
    page = open_page("?text=a+cat&modalities=video")
    card = page.locator(".card", has_text="iscc_samples-demo.mp4")
    start, end = (
        60 * int(minutes) + int(seconds)
        for minutes, seconds in (time.split(":") for time in card.locator(".badge").inner_text().split("–"))
    )
    card.locator(".card-open").click()
    video = page.locator("#viewer video")
    expect(video).to_be_visible()
    page.locator("#viewer-player .segment").wait_for()
    expect(video).to_have_js_property("readyState", 4)
    assert start <= video.evaluate("video => video.currentTime") <= end + 4
    expect(video).to_have_js_property("paused", False)
    page.get_by_role("heading", name="iscc_samples-demo.mp4").click()
    page.keyboard.press("p")
    expect(video).to_have_js_property("paused", True)
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()


def test_all_of_it_by_the_keyboard(open_page):
    page = open_page()
    page.keyboard.press("/")
    page.keyboard.type("a cat")
    expect(first_name(page)).to_contain_text("chelsea")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#results li").nth(1).locator(":focus")).to_have_class("card-open")
    focused = page.locator("#results :focus")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(focused).to_have_class("card-open")
    page.keyboard.press("m")
    expect(page.locator(".chip")).to_contain_text("like ")
    page.locator("#mood-plane").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "+"):
        page.keyboard.press(key)
    expect(page.locator("#mood-status")).to_contain_text("valence +0.05, arousal +0.05")
    assert get_query(page)["radius"] == ["0.05"]


def test_back_forward_and_a_shared_link_restore_the_query(open_page):
    page = open_page()
    type_words(page, "a cat")
    page.keyboard.press("Enter")
    expect(first_name(page)).to_contain_text("chelsea")
    page.get_by_role("searchbox").fill("a rocket in the sky")
    expect(first_name(page)).to_have_text("skimage-rocket.jpg")
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("a cat")
    expect(first_name(page)).to_contain_text("chelsea")
    page.go_back()
    expect(page.locator("#welcome")).to_be_visible()
    page.go_forward()
    page.go_forward()
    expect(page.get_by_role("searchbox")).to_have_value("a rocket in the sky")
    shared = open_page("?" + urlsplit(page.url).query + "&mood=0.30,0.20&affect=0.4&modalities=image")
    expect(shared.get_by_role("searchbox")).to_have_value("a rocket in the sky")
    expect(shared.locator("#dial-value")).to_have_text("60 : 40")
    expect(shared.get_by_role("button", name="photos")).to_have_attribute("aria-pressed", "true")


def test_a_file_with_the_name_of_a_script_is_text(open_page, hostile_name):
    page = open_page("?text=a+horse")
    card = page.locator(".card").filter(has=page.locator(f'.card-name:text-is("{hostile_name}")'))
    expect(card).to_have_count(1)
    card.locator(".card-open").click()
    expect(page.locator("#viewer-title")).to_have_text(hostile_name)
    expect(page.locator("img[src=x]")).to_have_count(0)
    expect(page).to_have_title("a horse – affect")


def test_an_upload_that_the_server_has_forgotten_is_said(open_page):
    page = open_page("?image=forgotten")
    expect(page.locator(".notice.error")).to_contain_text("again")


def test_a_server_that_is_gone_is_said_and_the_results_come_back(open_page):
    page = open_page("?text=a+cat")
    expect(first_name(page)).to_contain_text("chelsea")
    page.context.set_offline(True)
    type_words(page, " or a dog")
    expect(page.locator(".notice.error")).to_contain_text("does not answer")
    expect(first_name(page)).to_have_count(0)
    page.context.set_offline(False)
    type_words(page, "s")
    expect(first_name(page)).to_be_visible()
    expect(page.locator(".notice.error")).to_have_count(0)


def test_the_library_view_selects_on_the_map(open_page, media):
    page = open_page("?view=library")
    count = len(list(media.iterdir()))
    expect(page.locator("#gallery-count")).to_have_text(f"{count} items")
    box = page.locator("#library-map").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 5, steps=4)
    page.mouse.up()
    expect(page.locator("#gallery-count")).to_contain_text("selected")
    assert 0 < page.locator("#gallery li").count() < count
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#gallery-count")).to_have_text(f"{count} items")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_accessibility_violation_and_nothing_wider_than_the_window(open_page, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page("?text=a+cat&mood=0.50,-0.30", width=width, color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator(".card-summary").first).to_be_attached()
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true; }")
    assert_accessible(axe, page, width)
    page.locator("#results").scroll_into_view_if_needed()  # cards far from the window are not in the page
    page.locator(".card-open").first.click()
    expect(page.locator("#viewer-details")).to_contain_text("It shows")
    assert_accessible(axe, page, width)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Library").click()
    expect(page.locator("#gallery li").first).to_be_visible()
    assert_accessible(axe, page, width)


def assert_accessible(axe, page, width):
    violations = axe.run(page).response["violations"]
    assert [(found["id"], [node["html"][:120] for node in found["nodes"]]) for found in violations] == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_the_first_page_indexes_a_folder(browser, media, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("skimage-coffee.png", "skimage-rocket.jpg"):
        shutil.copy(media / name, tmp_path / "photos")
    with serve_library(tmp_path / "lib") as address:
        page = browser.new_page()
        page.goto(address)
        expect(page.get_by_role("heading", name="Point it at your photos")).to_be_visible()
        page.get_by_label("Folder to index").fill(str(tmp_path / "nowhere"))
        page.get_by_role("button", name="Index it").click()
        expect(page.locator(".notice.error")).to_contain_text("no such folder")
        page.get_by_label("Folder to index").fill(str(tmp_path / "photos"))
        page.get_by_role("button", name="Index it").click()
        expect(page.locator("#running-job")).to_contain_text("Indexing")
        page.wait_for_selector("body[data-state=ready]", timeout=90_000)
        expect(page.locator("#running-job")).to_be_hidden(timeout=90_000)
        page.get_by_role("searchbox").fill("a cup of coffee")
        expect(first_name(page)).to_have_text("skimage-coffee.png")
        page.close()


@pytest.mark.timeout(900)
def test_the_first_page_tries_the_sample_files(browser, tmp_path):
    with serve_library(tmp_path / "lib") as address:
        page = browser.new_page()
        page.goto(address)
        page.get_by_label("Folder to index").fill(str(tmp_path / "nowhere"))
        page.get_by_role("button", name="Index it").click()
        expect(page.locator(".notice.error")).to_contain_text("no such folder")
        page.get_by_role("button", name="Try it with some thirty sample files").click()
        expect(page.locator("#running-job")).to_contain_text("Indexing")
        expect(page.locator(".notice.error")).to_have_count(0)
        page.wait_for_selector("body[data-state=ready]", timeout=300_000)
        expect(page.locator("#first-run")).to_be_hidden()
        expect(page.locator("#running-job")).to_be_hidden(timeout=300_000)
        page.get_by_role("searchbox").fill("a cup of coffee")
        expect(first_name(page)).to_have_text("skimage-coffee.png")
        assert len(list((tmp_path / "lib-samples").iterdir())) > 20
        expect(page.locator(".notice.error")).to_have_count(0)
        page.close()
