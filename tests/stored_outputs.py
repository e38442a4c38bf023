"""What a notebook stores against what it shows after Run All, pictures included."""

import base64
import io
import re

import numpy as np
from PIL import Image

from course_utils.command.authors import name_figures

IGNORED = "nbval-ignore-output"
VIEW = "application/vnd.jupyter.widget-view+json"
PICTURES = ("image/png", "image/jpeg")
TRAINED = "trained-picture"  # a tag: drawn otherwise by another processor
LARGEST, LARGEST_TRAINED = 4, 25  # mean absolute difference of two pictures, of 255
LEAST_ALIKE = 0.7  # `likeness` of trained pictures; .92 and more on two processors


def differences(stored, live):
    """List of sentences, one for each code cell whose outputs differ; both are .ipynb dicts."""
    old, new = code_cells(stored), code_cells(live)
    if len(old) != len(new):
        return [f"{len(old)} code cells are stored, {len(new)} are on the page"]
    found = []
    for number, (before, after) in enumerate(zip(old, new, strict=True), start=1):
        tags = before["metadata"].get("tags", [])
        if IGNORED not in tags:
            name_figures(after["outputs"], before["metadata"].get("alt", ()))
            problem = cell_difference(before["outputs"], after["outputs"], TRAINED in tags)
            found += [f"code cell {number}, {first_line(before)!r}: {problem}"] if problem else []
    return found


def code_cells(notebook):
    """The code cells of an .ipynb dict."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def errors(live):
    """List of sentences, one for each error output and each cell that has not run."""
    found = []
    for number, cell in enumerate(code_cells(live), start=1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"code cell {number}: {output['ename']}: {output['evalue']}")
        if joined(cell["source"]).strip() and cell["execution_count"] is None:
            found.append(f"code cell {number}, {first_line(cell)!r}: it has not run")
    return found


def cell_difference(old, new, trained=False):
    """One sentence on how two lists of outputs differ; None if they do not.

    trained: whether the pictures show what a training led to; see `TRAINED`.
    """
    shapes = outline(old), outline(new)
    if shapes[0] != shapes[1]:
        return f"stored {shapes[0]}, now {shapes[1]}"
    both = zip(pictures(old), pictures(new), strict=True)
    return next(filter(None, (picture_difference(*pair, trained) for pair in both)), None)


def picture_difference(before, after, trained=False):
    """One sentence on how two pictures, (H, W, 3) uint8, differ; None if they do not."""
    if before.shape != after.shape:
        return f"the stored picture is {before.shape}, the new one {after.shape}"
    distance = np.abs(before.astype(float) - after).mean()
    if distance > (LARGEST_TRAINED if trained else LARGEST):
        return f"the pictures differ by {distance:.1f} of 255 (mean over all pixels)"
    if trained and (alike := likeness(before, after)) < LEAST_ALIKE:
        return f"the pictures are light and dark in other places (likeness {alike:.2f})"
    return None


def likeness(one, other):
    """Correlation, −1 … 1, of two pictures (H, W, 3) uint8, each averaged over 8 × 8 parts.

    A picture without any difference in it is like no other (0), but like one of its kind (1).
    """
    parts = [Image.fromarray(it).resize((8, 8), Image.Resampling.BOX) for it in (one, other)]
    first, second = (np.asarray(it, float) - np.mean(it) for it in parts)
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    if not all(lengths):
        return float(not any(lengths))
    return float((first * second).sum() / np.prod(lengths))


def outline(outputs):
    """What has to be equal exactly: kinds of outputs, their MIME types, and printed text."""
    listed = []
    for output in outputs:
        kind, name = output["output_type"], output.get("name", "")
        if kind == "stream":
            merge = bool(listed) and listed[-1][:2] == (kind, name)
            before = listed.pop()[2] if merge else ""
            listed.append((kind, name, before + joined(output["text"])))
        else:
            data = output.get("data", {})
            text = joined(data.get("text/plain", ""))
            listed.append((kind, name, [*sorted(set(data) - {VIEW}), text]))
    return [(kind, name, printed(it) if kind == "stream" else it) for kind, name, it in listed]


def printed(text):
    """Text as a terminal leaves it: a line that a progress bar wrote over is gone."""
    return re.sub(r"[^\n]*\r(?!\n)", "", text).rstrip()


def pictures(outputs):
    """The decoded pictures of a cell: list of (H, W, 3) uint8."""
    listed = []
    for output in outputs:
        for kind in PICTURES:
            if kind in output.get("data", {}):
                data = base64.b64decode(joined(output["data"][kind]))
                listed.append(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    return listed


def joined(text):
    """A notebook's text, which may be stored as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def first_line(cell):
    """The first line of a cell's source, to name it by."""
    return joined(cell["source"]).strip().split("\n")[0]
