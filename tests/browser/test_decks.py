"""Decks and handouts in a real browser, offline: what is seen fits the frame or the phone."""

import pytest
from lab_server import CHAPTERS

from course_utils.command.pages import write_handout
from course_utils.command.slides import write_deck

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
READY = "window.Reveal && Reveal.isReady()"
EACH = """() => {
  const found = [];
  document.querySelectorAll('.slides > section').forEach((stack, h) => {
    stack.querySelectorAll(':scope > section').forEach((slide, v) => {
      Reveal.slide(h, v, -1);
      const seen = (element) => getComputedStyle(element).visibility === 'visible';
      const early = [...slide.querySelectorAll('.celltag_output, details')].filter(seen);
      const words = [...slide.querySelectorAll('strong')].map((word) => word.innerText);
      Reveal.slide(h, v, 99);
      const frame = document.querySelector('.reveal').getBoundingClientRect();
      const outside = [...slide.querySelectorAll('img, pre, table, math')].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.left < 0 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1
          || element.scrollWidth > element.clientWidth + 1 && element.tagName === 'PRE';
      });
      const letters = [...slide.querySelectorAll('p, li, pre, code, td')].map((box) => {
        return parseFloat(getComputedStyle(box).fontSize) * box.currentCSSZoom;
      });
      found.push({
        place: [h, v], over: slide.scrollHeight - slide.clientHeight,
        outside: outside.map((element) => element.tagName), letters: Math.min(99, ...letters),
        early: words.includes('Predict') ? early.length : 0,
        broken: [...slide.querySelectorAll('img')].some((image) => !image.naturalWidth),
        text: slide.innerText.length + slide.querySelectorAll('img').length,
      });
    });
  });
  return found;
}"""


@pytest.fixture
def open_page(chromium):
    """Function of a file and a size → the page, and a list of what it asked for or threw."""
    pages = []

    def show(file, width, height, ready="true"):
        page, noise = chromium.new_page(viewport={"width": width, "height": height}), []
        pages.append(page)
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on(
            "request",
            lambda request: (
                noise.append(request.url) if not request.url.startswith(("data:", "file:")) else 0
            ),
        )
        page.context.set_offline(True)
        page.goto(file.resolve().as_uri())
        page.wait_for_function(f"() => {ready}")
        return page, noise

    yield show
    for page in pages:
        page.close()


@chapters
def test_every_slide_fits_its_frame(path, open_page, artifacts, tmp_path):
    """Nothing outside the frame, nothing to scroll, letters of 22 pixels, no answer too early."""
    deck = write_deck(path, tmp_path)
    page, noise = open_page(deck, 1920, 1080, READY)
    found = page.evaluate(EACH)
    count = len(found)
    assert count > 50 and noise == []
    written = deck.read_text(encoding="utf-8").count("<img ")
    assert page.evaluate("() => document.images.length") == written > 10  # none is lost
    for slide in found:
        assert slide["over"] <= 0 and not slide["outside"] and not slide["broken"], slide
        assert slide["text"] > 0 and not slide["early"], slide
        assert slide["letters"] * 1080 / 720 >= 22, slide
    for width, height in ((1920, 1080), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        for name, number in (("first", 0), ("middle", count // 2), ("last", count - 1)):
            page.evaluate("([h, v]) => Reveal.slide(h, v, 0)", found[number]["place"])
            page.wait_for_timeout(300)
            box = page.locator("section.present > section.present").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width + 1
            assert box["y"] >= 0 and box["y"] + box["height"] <= height + 1
            page.screenshot(path=artifacts / f"{path.stem}-deck-{name}-{width}.png")
    assert noise == []


def test_a_deck_works_from_the_keyboard(open_page, tmp_path):
    """Space goes on, also through what waits after a Predict; Home and End jump."""
    page, _ = open_page(write_deck(CHAPTERS[0], tmp_path), 1280, 720, READY)
    waits = page.evaluate(
        "() => { const s = document.querySelector('section:has(> .fragment)');"
        " const i = Reveal.getIndices(s); Reveal.slide(i.h, i.v, -1); return [i.h, i.v]; }"
    )
    part = page.locator("section.present section.present > .fragment").first
    assert not part.evaluate("(element) => element.classList.contains('visible')")
    page.keyboard.press("Space")
    assert part.evaluate("(element) => element.classList.contains('visible')")
    where = "() => { const i = Reveal.getIndices(); return [i.h, i.v]; }"
    assert page.evaluate(where) == waits
    page.keyboard.press("Space")
    assert page.evaluate(where) != waits
    page.keyboard.press("End")
    page.keyboard.press("End")
    assert page.evaluate("() => Reveal.getProgress()") > 0.95
    page.keyboard.press("Home")
    assert page.evaluate(where)[0] == 0


@chapters
def test_a_handout_can_be_read_on_a_phone(path, open_page, artifacts, tmp_path):
    """390 pixels wide: the page does not scroll sideways, code does so in its box."""
    handout = write_handout(path, tmp_path)
    page, noise = open_page(handout, 390, 844)
    assert noise == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.evaluate(
        "() => [...document.images].every((i) => i.naturalWidth && i.clientWidth <= 390)"
    )
    scrolls = "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
    assert page.locator(".highlight pre").evaluate_all(scrolls) > 5
    assert page.locator("details[open]").count() == 0
    page.screenshot(path=artifacts / f"{path.stem}-handout-top.png")
    page.locator(".picture").nth(2).scroll_into_view_if_needed()
    page.screenshot(path=artifacts / f"{path.stem}-handout-picture.png")
