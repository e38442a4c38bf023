"""A chapter's cells → the cells of its deck: what goes onto one slide, and what is left out.

A cell that says so itself (`slideshow` → `slide_type` in its metadata) is obeyed. For all others:
H1 and H2 start a slide; H3 and each **Predict** a sub-slide below it; long prose is split; code
stands with its output where both fit, else the output comes next. After a Predict the output waits
for one more key. Exercises, solutions, the glossary and cells that only import are left out.
"""

from dataclasses import dataclass, field

from course_utils.command.slide_pieces import code_blocks, level_of, prose_blocks, size_of
from course_utils.command.slide_sizes import LARGEST, PROSE, READING, REMAINDER, ROOM, WIDTH

LEFT_OUT = ("Exercises", "Glossary")  # H2 whose sections are no part of a lecture
TYPES = ("slide", "subslide", "fragment", "skip", "notes", "-")


@dataclass
class Slide:
    """Blocks that are seen together. kind: "slide" or "subslide"; head: its running title."""

    kind: str
    head: str = ""
    blocks: list = field(default_factory=list)

    @property
    def height(self):
        """Pixels that are taken."""
        return sum(block.height for block in self.blocks)

    def has(self, *kinds):
        """Whether a block of one of these kinds is on it."""
        return any(block.kind in kinds for block in self.blocks)


def make_slides(notebook):
    """A notebook → the list of its slides."""
    slides, head = [], ""
    queue = list(groups(notebook))
    for group, following in zip(queue, [*queue[1:], []], strict=True):
        first = group[0]
        level = level_of(first.cell.source) if first.kind == "heading" else 0
        if level in (1, 2):
            head = first.cell.source.lstrip("# ")
        reading = bool(following) and following[0].kind == "prose" and not following[0].start
        after = following[0].height if reading else 0
        place(slides, group, "" if level in (1, 2) else head, after)
    return join_remainders(slides)


def join_remainders(slides):
    """A sub-slide of a few words goes on top of the next one, where it fits."""
    kept = []
    for slide in slides:
        last = kept[-1] if kept else None
        if last and last.kind == slide.kind == "subslide" and last.head == slide.head:
            few = last.height < REMAINDER and all(block.kind == "prose" for block in last.blocks)
            free = not any(b.chosen or b.predict or b.start for b in last.blocks)
            free = free and not slide.blocks[0].chosen and slide.blocks[0].kind != "heading"
            if few and free and last.height + slide.height <= ROOM:
                slide.blocks = kept.pop().blocks + slide.blocks
        kept.append(slide)
    return kept


def place(slides, group, head, after=0):
    """Put a group (one piece of prose, or code with its outputs) onto the last slide or new ones.

    head: the running title of a slide that has no H1 or H2 of its own. after: pixels of the prose
    that reads the last output, and should be seen with it.
    """
    here = slides[-1] if slides else None
    if here is None or starts_anew(here, group):
        here = Slide(group[0].start or "subslide" if slides else "slide", head)
        if slides and group[0].kind == "code" and not group[0].chosen:
            here.blocks += pull_question(slides[-1])
            if here.blocks and here.height + _height(group) > ROOM:  # too much together
                slides[-1].blocks += here.blocks
                here.blocks = []
        slides.append(here)
    waits = any(block.predict for block in here.blocks) and len(group) > 1
    for number, block in enumerate(group):
        rest = after if block is group[-1] and block.kind == "picture" else 0
        if number and here.height + block.height + rest > ROOM:
            here, waits = Slide("subslide", head), False
            slides.append(here)
        if waits and block.kind in ("text", "picture") and not block.start:
            block.start, waits = "fragment", False
        here.blocks.append(block)
        if block.kind == "picture":
            enlarge(here, block, after)


def starts_anew(here, group):
    """Whether a group must not follow on the slide `here`."""
    first = group[0]
    if first.chosen:
        return first.start in ("slide", "subslide")
    begun = here.has("prose", "code", "text", "picture")  # more than a heading
    if first.start == "slide" or (first.start == "subslide" and begun):
        return True
    if first.kind == "code" and here.has("code"):  # a definition may stay with its first use
        return here.has("text", "picture") or here.height + _height(group) > ROOM
    if first.kind in ("prose", "heading"):
        prose = sum(b.height for b in here.blocks if b.kind == "prose")
        return here.height + first.height > ROOM or (
            prose > 0 and prose + first.height > PROSE and not here.has("code")
        )
    if here.height + first.height > ROOM:
        return True
    if here.has("prose"):  # the question and its code; what comes out may follow on the next slide
        return False
    return here.height + _height(group) > ROOM >= _height(group)


def pull_question(slide):
    """Take the last paragraph from a slide if it asks for the code that comes next."""
    last = slide.blocks[-1]
    asks = last.kind == "prose" and last.cell.source.rstrip().endswith((":", "?"))
    if asks and slide.has("code") and not last.start:
        return [slide.blocks.pop()]
    return []


def enlarge(slide, block, after):
    """A picture that is alone with its heading may be larger than it was stored.

    after: pixels of the prose that reads it.
    """
    if slide.has("code", "prose", "text") or sum(b.kind == "picture" for b in slide.blocks) > 1:
        return
    (output,) = block.cell.outputs
    mime = next(mime for mime in output.data if mime.startswith("image/"))
    width, height = size_of(output.data[mime])
    room = ROOM - slide.height + block.height - min(max(after, READING), 2 * READING)
    scale = min(LARGEST, WIDTH / width, room / height)
    output.metadata[mime]["width"] = int(width * scale)
    block.height = height * scale + 12


def groups(notebook):
    """Yield what stays together: one piece of prose, or a code cell with its outputs.

    Left out: what follows an H2 of LEFT_OUT, and what stands between the first cell and the first
    H2 (the check of the environment, the imports), unless the source gives it a kind of slide.
    """
    left_out, opening = False, True
    for number, cell in enumerate(notebook.cells):
        said = cell.metadata.get("slideshow", {}).get("slide_type", "")
        said = said if said in TYPES else ""
        found = []
        for group in cell_groups(cell):
            if group[0].kind == "heading" and level_of(group[0].cell.source) == 2:
                left_out = group[0].cell.source.lstrip("# ").startswith(LEFT_OUT)
                opening = False
            if not left_out and (said or number == 0 or not opening):
                found.append(group)
        if said in ("skip", "notes"):
            continue
        if found and said:
            found[0][0].start, found[0][0].chosen = said.replace("-", ""), True
        yield from found


def cell_groups(cell):
    """The groups of one cell; none of an exercise, a solution or a raw cell."""
    if {"solution", "exercise"} & set(cell.metadata.get("tags", [])):
        return []
    if cell.cell_type == "markdown":
        return [[block] for block in prose_blocks(cell)]
    blocks = code_blocks(cell) if cell.cell_type == "code" else []
    return [blocks] if blocks else []


def _height(group):
    return sum(block.height for block in group)
