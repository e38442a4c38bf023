"""The course map: it is what the notebooks say, it is whole, and its links lead to headings."""

import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes
from test_notebooks import ROWS

from course_utils.command import authors
from course_utils.errors import CourseError
from notebooks_as_files import CHAPTERS, ROOT, read

BEGIN, END = authors.BEGIN, authors.END
README = ROOT / "notebooks" / "README.md"
LECTURE = [  # the concept table of the lecture: 60 rows
    f"L{chapter}.{row:02d}"
    for chapter, last in enumerate((8, 20, 13, 19), start=1)
    for row in range(1, last + 1)
]
ROW = re.compile(
    r"^\| (L\d\.\d\d) \| (.+) \| \[(\d\.\d+)\]\((\S+?)#cell-id=(\S+)\) \| (.+) \|$", re.M
)


@pytest.fixture(scope="module")
def rows():
    """(ID, concept, section, notebook, cell, outcome) for each row of the README."""
    return ROW.findall(README.read_text(encoding="utf-8"))


def test_the_readme_is_what_the_notebooks_say():
    text = README.read_text(encoding="utf-8")
    wanted = authors.replaced(text, authors.course_map(CHAPTERS))
    assert text == wanted, "notebooks/README.md is old: run `uv run course map`"


def test_every_row_of_the_lecture_is_there_once(rows):
    taught = [name for name in LECTURE if int(name[3:]) <= ROWS[f"0{name[1]}"]]
    assert [row[0] for row in rows] == taught
    cells = [name for path in CHAPTERS for cell in read(path).cells
             for name in cell.metadata.get("lecture", [])]  # fmt: skip
    assert sorted(cells) == taught


def test_every_row_names_its_own_section(rows):
    for name, _, section, notebook, _, _ in rows:
        assert section == f"{name[1]}.{int(name[3:])}" and notebook.startswith(f"0{name[1]}_")


def test_every_link_leads_to_the_heading_of_its_section(rows):
    for path in CHAPTERS:
        sources = {cell.id: cell.source for cell in read(path).cells}
        for name, _, section, notebook, cell, _ in rows:
            if notebook == path.name:
                assert sources.get(cell, "no such cell").startswith(f"## {section} "), name


def test_every_lecture_note_is_listed_with_a_cell_that_measures():
    text, wanted = README.read_text(encoding="utf-8"), 0
    listed = re.findall(
        r"^\| \[(\S+?)\]\((\S+?)#cell-id=(\S+?)\) .*\(\S+?=(\S+?)\) \|$", text, re.M
    )
    for path in CHAPTERS:
        cells = {cell.id: cell for cell in read(path).cells}
        wanted += sum(cell.source.count("**Lecture note.**") for cell in cells.values())
        for section, notebook, note, measured in listed:
            if notebook == path.name:
                assert "**Lecture note.**" in cells[note].source and section[0] == path.stem[1]
                assert cells[measured].cell_type == "code"
    assert len(listed) == wanted >= 20


def test_a_note_without_a_measuring_cell_is_refused(tmp_path):
    path, marked = tmp_path / "05_x.ipynb", {"tags": ["lecture-note"]}
    note = new_markdown_cell("> **강의 노트.** Not so.", metadata=marked)
    path.write_text(writes(new_notebook(cells=[new_code_cell("1"), note])), encoding="utf-8")
    with pytest.raises(CourseError, match="05_x.ipynb: no cell None measures the note of"):
        authors.notes(path)


def heading(source, names, id="x", **metadata):
    return new_markdown_cell(source, id=id, metadata={"lecture": names, **metadata})


@pytest.fixture
def notebook(tmp_path):
    """Function of cells → the path of a notebook of a title and these cells."""

    def write(*cells):
        path = tmp_path / "07_made_up.ipynb"
        path.write_text(writes(new_notebook(cells=[new_markdown_cell("# 7 · T"), *cells])), "utf-8")
        return path

    return write


SECTIONS = (
    heading("## 7.2 Second", ["L7.02"], id="second", concept="two (둘)", outcome="a | b"),
    new_code_cell("# 7.9 no heading"),
    new_markdown_cell("## Glossary"),
    heading("## 7.1 First\n\nMore.", ["L7.01", "L7.03"], id="a-1", concept=" 1 ", outcome="why"),
)
WANTED = f"""\
## [7 · T](07_made_up.ipynb)

{authors.HEADS}
| L7.01 | 1 | [7.1](07_made_up.ipynb#cell-id=a-1) | why |
| L7.02 | two (둘) | [7.2](07_made_up.ipynb#cell-id=second) | a \\| b |
| L7.03 | 1 | [7.1](07_made_up.ipynb#cell-id=a-1) | why |"""


def test_a_made_up_notebook(notebook):
    assert authors.course_map([notebook(*SECTIONS)]) == WANTED


def test_only_what_stands_between_the_comments_changes(notebook, tmp_path):
    path, readme = notebook(*SECTIONS), tmp_path / "README.md"
    readme.write_text(f"above\n\n{BEGIN}\nold\n{END}\n\nbelow\n", "utf-8")
    assert authors.write_map(readme, [path])
    text = f"above\n\n{BEGIN}\n\n{WANTED}\n\n{END}\n\nbelow\n"
    assert readme.read_bytes() == text.encode()
    assert not authors.write_map(readme, [path])
    assert readme.read_bytes() == text.encode()
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, "README.md"]


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (
            heading("## 7.1 T", ["L7.01"], outcome="o"),
            "'## 7.1 T' has no 'concept' in its metadata",
        ),
        (heading("## 7.1 T", ["L7.01"], concept="c", outcome=" "), "has no 'outcome'"),
        (heading("## 7.1 T", ["L7.01"], concept="c", outcome=["o"]), "has no 'outcome'"),
        (heading("## T", ["L7.01"], concept="c", outcome="o"), "IDs but no section number"),
        (heading("7.1 T", ["L7.01"], concept="c", outcome="o"), "IDs but no section number"),
        (new_code_cell("# 7.1 T", metadata={"lecture": ["L7.01"]}), "IDs but no section number"),
    ],
)
def test_a_heading_that_says_too_little_is_named(notebook, tmp_path, cell, says):
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\nold\n{END}\n", "utf-8")
    before = readme.read_bytes()
    with pytest.raises(CourseError, match=f"^07_made_up.ipynb: .*{re.escape(says)}"):
        authors.write_map(readme, [notebook(cell)])
    assert readme.read_bytes() == before


def test_what_is_no_notebook_or_has_no_title_is_named(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text("{", "utf-8")
    with pytest.raises(CourseError, match="x.ipynb cannot be read as a notebook"):
        authors.course_map([path])
    path.write_text(writes(new_notebook()), "utf-8")
    with pytest.raises(CourseError, match="x.ipynb does not start with its title"):
        authors.course_map([path])


@pytest.mark.parametrize("text", ["", BEGIN, 2 * (BEGIN + END), END + BEGIN])
def test_a_readme_without_its_two_comments_is_left_alone(tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text, "utf-8")
    with pytest.raises(CourseError, match="the map needs one line '<!-- course map"):
        authors.write_map(readme, [])
    assert readme.read_text("utf-8") == text
    with pytest.raises(CourseError, match="nothing.md cannot be read"):
        authors.write_map(tmp_path / "nothing.md", [])
