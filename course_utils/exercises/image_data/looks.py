"""Pictures of chapter 1's exercises: what a student's own right function makes of a photo."""

import matplotlib.pyplot as plt
import numpy as np

from course_utils.data import load_photo
from course_utils.figures import show, show_image

EYE = 85, 140, 64, 64  # top, left, height and width of the cat's eye
SMALL = 96, 150, 40, 40  # the same eye, closer
PAGE = "coffee", "starry_night", "parks", "astronaut", "cat_chelsea"


def crop_look(crop):
    """The cat, and the window that the answer cuts out of it."""
    cat = load_photo("cat_chelsea")
    _pair(cat, _picture(crop(cat, *EYE)), "your crop", "The cat, and its eye cut out of it.")


def shrink_look(shrink):
    """The cat, and a quarter of its rows and columns."""
    cat = load_photo("cat_chelsea")
    small = _picture(shrink(cat, 6))
    _pair(cat, small, f"your shrink: {small.shape[1]} × {small.shape[0]}", "The cat, and smaller.")


def enlarge_look(enlarge):
    """The cat's eye in gray, and the answer's version, six times as large."""
    top, left, height, width = SMALL
    gray = load_photo("cat_chelsea")[top : top + height, left : left + width].mean(axis=-1)
    large = np.clip(np.asarray(enlarge(gray, 6), float), 0, 255)
    _pair(_picture(gray), _picture(large), "your enlarge", "The cat's eye, coarse and smooth.")


def brighten_look(brighten):
    """The coffee brightened, each channel clipped by itself, and by the answer."""
    coffee = load_photo("coffee", longest_side=300)
    clipped = np.clip(1.8 * coffee, 0, 255).astype(np.uint8)
    fig, axes = plt.subplots(1, 2, figsize=(7, 2.8))
    show_image(clipped, "1.8 times, each channel clipped", axes[0])
    show_image(_picture(brighten(coffee, 1.8)), "your brighten", axes[1])
    show(fig, photo=True, alt="The coffee brightened twice: clipped, the wood turns yellow.")


def saturation_look(saturation_map):
    """The coffee, and its saturation as a gray picture."""
    coffee = load_photo("coffee", longest_side=300)
    saturated = np.clip(np.asarray(saturation_map(coffee), float), 0, 1)
    alt = "A red saucer with a white cup; in its saturation the saucer is bright, the rim dark."
    _pair(coffee, saturated, "your saturation: white is 1", alt)


def luma_look(luma):
    """The cat in colour, and in the answer's gray."""
    cat = load_photo("cat_chelsea")
    _pair(cat, _picture(luma(cat)), "your luma", "The cat in colour and in gray.")


def page_look(contact_page):
    """The answer's page of five packaged photos."""
    page = _picture(contact_page([load_photo(name) for name in PAGE], 64))
    fig, ax = plt.subplots(figsize=(6, 6))
    show_image(page, "your contact sheet", ax)
    show(fig, photo=True, alt="Five photos in rows, each in five versions, on a white page.")


def _picture(result):
    """What an answer returned, as uint8: it may be a list or a tensor."""
    return np.asarray(result).round().astype(np.uint8)


def _pair(before, after, title, alt):
    fig, axes = plt.subplots(1, 2, figsize=(7, 2.8))
    show_image(before, "the photo", axes[0])
    show_image(after, title, axes[1])
    show(fig, photo=True, alt=alt)
