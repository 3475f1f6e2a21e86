"""`python -m experiments.page_figures`: README's pictures of the page, of the demo library."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from PIL import Image

from encoders import AffectError, write_atomically
from experiments.experiment_command import ExperimentCommand
from experiments.page_browser import open_browser, serve_library

if TYPE_CHECKING:
    from playwright.sync_api import Page

Shot = tuple[Image.Image, int]  # a picture of the page, and for how many milliseconds it stays

WINDOW = {"width": 1120, "height": 720}  # CSS pixels
FOLDER = Path(__file__).parent / "figures"
PICTURE_SIZE, ANIMATION_SIZE = (1120, 720), (840, 540)  # pixels
PICTURE_QUALITY, ANIMATION_QUALITY = 82, 60
KEY_MS, STEP_MS, LAST_MS = 90, 260, 2200
MAX_PICTURE_BYTES, MAX_ANIMATION_BYTES = 300_000, 1_000_000
WORDS = "a cat"
CALM, HAPPY = (0.45, -0.45), (0.6, 0.45)  # valence and arousal
PLANE_MARGIN = 14  # pixels around the plane in its canvas, as plane_view.js has it


@click.command("page_figures", cls=ExperimentCommand)
@click.option(
    "--library", type=click.Path(path_type=Path), default=Path("demo-library/library"), show_default=True
)
@click.option("--out", type=click.Path(path_type=Path), default=FOLDER, help="Folder of the pictures.")
def main(library: Path, out: Path) -> None:
    """Take a picture (page.jpg) and a short animation (page.webp) of the page, in Chromium."""
    if not library.is_dir():
        raise AffectError(f"{library}: no library; make demo writes it")
    with serve_library(library) as address, open_browser() as browser:
        page = browser.new_page(viewport=WINDOW, color_scheme="light")  # type: ignore[arg-type]
        page.goto(address)
        page.wait_for_selector("body[data-state=ready]")
        shots = list(_play_session(page))
        picture = _take_picture(page, address)
    _save(out / "page.jpg", [(picture, 0)], PICTURE_SIZE, MAX_PICTURE_BYTES)
    _save(out / "page.webp", shots, ANIMATION_SIZE, MAX_ANIMATION_BYTES)


def _take_picture(page: Page, address: str) -> Image.Image:
    """Words and a mood together, with what each result shows."""
    page.goto(f"{address}?text=an+animal&mood={HAPPY[0]},{HAPPY[1]}&affect=0.4")
    _wait_for_summaries(page)
    return _shoot(page)


def _play_session(page: Page) -> Iterator[Shot]:
    """Search by words, then by a place on the plane, then by a course from there; open a result."""
    yield _shoot(page), STEP_MS * 3
    box = page.get_by_role("searchbox")
    for end in range(1, len(WORDS) + 1):
        box.fill(WORDS[:end])
        yield _shoot(page), KEY_MS
    _wait_for_summaries(page)
    yield _shoot(page), LAST_MS
    page.locator(".card-open").first.click()
    page.locator("#viewer .affect-figure").wait_for()
    page.wait_for_timeout(800)
    yield _shoot(page), LAST_MS
    page.keyboard.press("Escape")
    box.fill("")
    page.mouse.move(*_locate(page, CALM))
    page.mouse.down()
    for step in (0.1, 0.2, 0.3):
        page.mouse.move(*_locate(page, (CALM[0] + step, CALM[1])))
        page.wait_for_timeout(400)
        yield _shoot(page), STEP_MS
    page.mouse.up()
    _wait_for_summaries(page)
    yield _shoot(page), LAST_MS


def _wait_for_summaries(page: Page) -> None:
    page.locator(".card-summary:not(:empty)").nth(2).wait_for()  # unlikely results are folded
    page.wait_for_load_state("networkidle")


def _locate(page: Page, point: tuple[float, float]) -> tuple[float, float]:
    """Pixels of the window at which a point of the plane is."""
    box = page.locator("#mood-plane").bounding_box()
    if box is None:
        raise AffectError("the page shows no mood plane")
    scale = box["width"] / 2 - PLANE_MARGIN
    return box["x"] + box["width"] / 2 + point[0] * scale, box["y"] + box["height"] / 2 - point[1] * scale


def _shoot(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _save(path: Path, shots: list[Shot], size: tuple[int, int], max_bytes: int) -> None:
    """Write a picture, or an animation of several. Raises AffectError if it is too large for a README."""
    first, *others = [shot.resize(size, Image.Resampling.LANCZOS) for shot, _ in shots]
    stream = io.BytesIO()
    if others:
        first.save(
            stream, "WEBP", save_all=True, append_images=others, duration=[ms for _, ms in shots],
            loop=0, quality=ANIMATION_QUALITY, method=6,
        )  # fmt: skip
    else:
        first.save(stream, "JPEG", quality=PICTURE_QUALITY, optimize=True)
    if stream.tell() > max_bytes:
        raise AffectError(f"{path}: {stream.tell()} bytes; at most {max_bytes} belong into a README")
    write_atomically(path, stream.getvalue())
    click.echo(f"wrote {path} ({stream.tell()} bytes)")


if __name__ == "__main__":
    main()
