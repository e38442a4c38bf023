"""Decks and handouts in a real browser, offline: what is seen fits the frame or the phone."""

import pytest
from lab_server import CHAPTERS

from course_utils.command.editions.pages import write_handout
from course_utils.command.editions.slides import write_deck

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
READY = "window.Reveal && Reveal.isReady()"
EACH = """() => {
  const found = [];
  document.querySelectorAll('.slides > section').forEach((stack, h) => {
    stack.querySelectorAll(':scope > section').forEach((slide, v) => {
      const asks = [...slide.querySelectorAll('strong')].some((it) => it.textContent === 'Predict');
      if (asks) Reveal.slide(h, v, -1);
      const seen = (element) => getComputedStyle(element).visibility === 'visible';
      const answers = asks ? [...slide.querySelectorAll('.celltag_output, details')] : [];
      const early = answers.filter(seen).length;
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
        early, asks,
        colon: ([...slide.querySelectorAll(':is(p, li, pre, table)')]
          .filter((part) => !part.closest('aside')).at(-1)?.innerText ?? '').trim().endsWith(':')
          && !slide.lastElementChild.matches('.celltag_output'),
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


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)], ids=lambda size: str(size[0]))
@chapters
def test_every_slide_fits_its_frame(path, size, open_page, artifacts, page_of):
    """Nothing outside the frame or to scroll, letters of 22 pixels on 1080, no answer too early.

    No slide ends in a colon.
    """
    deck = page_of(write_deck, path)
    page, noise = open_page(deck, *size, READY)
    found = page.evaluate(EACH)
    count = len(found)
    assert count > 50 and noise == []
    assert any(slide["asks"] for slide in found)
    written = deck.read_text(encoding="utf-8").count('<div class="picture')
    assert page.evaluate("() => document.images.length") == written > 10  # none is lost
    for slide in found:
        assert slide["over"] <= 0 and not slide["outside"] and not slide["broken"], slide
        assert slide["text"] > 0 and not slide["early"] and not slide["colon"], slide
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


def test_a_deck_works_from_the_keyboard(open_page, page_of):
    """Space goes on, also through what waits after a Predict; Home and End jump."""
    page, _ = open_page(page_of(write_deck, CHAPTERS[0]), 1280, 720, READY)
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


def test_the_speaker_view_shows_the_notes(open_page, page_of):
    page, noise = open_page(page_of(write_deck, CHAPTERS[0]), 1280, 720, READY)
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    page.keyboard.press("ArrowRight")
    notes.get_by_text("What it is for").wait_for(timeout=20000)
    assert noise == []


@chapters
def test_a_handout_can_be_read_on_a_phone(path, open_page, artifacts, page_of):
    """390 pixels wide: the page does not scroll sideways, code does so in its box."""
    handout = page_of(write_handout, path)
    page, noise = open_page(handout, 390, 844)
    assert noise == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.evaluate(
        "() => [...document.images].every((i) => i.naturalWidth"
        " && (i.clientWidth <= 390 || i.parentElement.matches('.wide')))"
    )
    scrolls = "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
    assert page.locator(".highlight pre").evaluate_all(scrolls) > 5
    assert page.locator("details[open]").count() == 0
    page.screenshot(path=artifacts / f"{path.stem}-handout-top.png")
    for question in page.locator(".celltag_question").all():
        assert question.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    page.locator(".picture").nth(2).scroll_into_view_if_needed()
    page.screenshot(path=artifacts / f"{path.stem}-handout-picture.png")
    page.set_viewport_size({"width": 320, "height": 600})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    own = "pre, table, .wide"  # these scroll in their own boxes
    wider = (
        f"(all) => all.filter((e) => !e.closest('{own}') && e.getBoundingClientRect().right > 321)"
    )
    assert (
        page.locator("main *").evaluate_all(f"(all) => ({wider})(all).map((e) => e.outerHTML)")
        == []
    )


def test_a_handout_works_from_the_keyboard(open_page, page_of):
    """Contents, a picture and a folded answer, on a phone; on a wide screen contents stay open."""
    page, noise = open_page(page_of(write_handout, CHAPTERS[1]), 390, 844)
    contents, dialog = page.locator("nav"), page.locator("dialog")
    assert not contents.is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert contents.is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert not contents.is_visible()
    assert abs(page.locator("h2").nth(1).bounding_box()["y"]) < 100
    page.locator(".picture button").first.focus()
    page.keyboard.press("Enter")
    assert dialog.is_visible() and dialog.locator("img").bounding_box()["width"] > 390
    page.keyboard.press("Escape")
    assert not dialog.is_visible() and dialog.locator("img").count() == 0
    answer = page.locator(".celltag_question summary").first
    answer.focus()
    page.keyboard.press("Enter")
    assert page.locator(".celltag_question details[open]").count() == 1
    page.set_viewport_size({"width": 1400, "height": 900})
    assert contents.is_visible() and not page.locator(".opener").is_visible()
    assert noise == []


CONTRAST = """() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = (colour) => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((value) => {
      return value > 10 ? ((value / 255 + 0.055) / 1.055) ** 2.4 : value / 255 / 12.92;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = new Set();
  for (const element of document.querySelectorAll('body *:not(script):not(style)')) {
    if (![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    let under = element;
    const clear = 'rgba(0, 0, 0, 0)';
    while (under.parentElement && getComputedStyle(under).backgroundColor === clear) {
      under = under.parentElement;
    }
    found.add(getComputedStyle(element).color + ' on ' + getComputedStyle(under).backgroundColor);
  }
  return [...found].map((pair) => {
    const [a, b] = pair.split(' on ').map(light).sort();
    return [(b + 0.05) / (a + 0.05), pair];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_handout_has_readable_colours(scheme, open_page, page_of):
    page, _ = open_page(page_of(write_handout, CHAPTERS[2]), 1400, 900)
    page.emulate_media(color_scheme=scheme)
    found = page.evaluate(CONTRAST)
    assert len(found) > 8 and min(found)[0] >= 4.5, sorted(found)[:5]
    assert "rgb(255, 255, 255)" in page.evaluate(
        "() => getComputedStyle(document.querySelector('.picture img')).backgroundColor"
    )
