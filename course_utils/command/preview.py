"""`course preview`: the README's picture, made of what chapters 2 and 4 compute."""

import numpy as np
from matplotlib.figure import Figure

from course_utils.data import load_photo
from course_utils.detection import yolov3
from course_utils.detection.figures import draw_boxes
from course_utils.explorers.style import load_large_style
from course_utils.figures import render, show_image, show_values
from course_utils.filters import SOBEL, correlate

SIDEWAYS = SOBEL.T  # left minus right
LUMA = np.array([0.299, 0.587, 0.114])


def draw_preview():
    """Three pictures in a row as the bytes of a JPEG, 1800 pixels wide, on white."""
    figure = Figure(figsize=(9, 2.3), dpi=200, facecolor="white", layout="compressed")
    for draw, ax in zip((_edges, _objects, _style), figure.subplots(1, 3), strict=True):
        draw(ax)
        ax.title.set_fontsize(10)
    return render(figure, photo=True)


def _edges(ax):
    """A cat: its left half as it is, its right half as a Sobel kernel sees it, and the kernel."""
    cat = load_photo("cat_chelsea")
    edges = np.pad(128 + correlate(cat @ LUMA, SIDEWAYS), 1, mode="edge").clip(0, 255)
    right = np.arange(cat.shape[1])[:, None] >= cat.shape[1] // 2
    shown = np.where(right, edges[..., None], cat)
    show_image(shown / 255, "Edges: nine numbers slide over a photo", ax)
    show_values(SIDEWAYS, ax=ax.inset_axes([0.39, 0.03, 0.22, 0.33]), fontsize=9, vmin=-2, vmax=2)


def _objects(ax):
    """A man, a dog and a horse in the boxes of YOLOv3-tiny, the best box of each kind."""
    photo = load_photo("field_person_dog_horse")
    found = yolov3.detect(yolov3.yolov3_tiny(), photo, threshold=0.25)
    names = [yolov3.coco_classes()[label] for label in found["labels"]]
    best = [names.index(name) for name in ("person", "dog", "horse")]
    show_image(photo, "Objects: a detector, typed and tried", ax)
    draw_boxes(ax, np.asarray(found["boxes"])[best], [names[i] for i in best])


def _style(ax):
    """A pagoda, painted as The Starry Night is; the photo in a corner."""
    show_image(load_large_style(), "Style: a photo as van Gogh paints", ax)
    inset = ax.inset_axes([0.67, 0.67, 0.31, 0.31])
    show_image(load_photo("china", 256), ax=inset)
