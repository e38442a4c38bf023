"""The structure of every chapter: what nbval does not look at."""

import ast
import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from notebooks_as_files import CHAPTERS, code_cells, exercises, parts, read, tags

ROWS = {"01": 8, "02": 20, "03": 13, "04": 19}  # rows of the lecture's concept table
STORED = {"text/plain", "image/png", "image/jpeg"}
KOREAN = re.compile(r"[가-힣]")
FOREIGN = re.compile(
    r"pypi\.org|pythonhosted|anaconda\.org|download\.pytorch|npmjs|debian\.org|token=\w{8}"
    r"|/home/|/root/|/Users/|/tmp/|[A-Z]:\\\\",
)

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def pictures(notebook):
    """Every stored picture: (cell, output, MIME type, Pillow image)."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            for mime in ("image/png", "image/jpeg"):
                if mime in output.get("data", {}):
                    data = base64.b64decode(output.data[mime])
                    yield cell, output, mime, Image.open(io.BytesIO(data))


def lines(cell):
    return len([line for line in cell.source.splitlines() if line.strip()])


def test_there_is_a_chapter():
    assert CHAPTERS and CHAPTERS[0].stem == "01_image_data"


@chapters
def test_cells_ran_in_order_from_a_fresh_kernel(path):
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.source.strip() for cell in read(path).cells)


@chapters
def test_nothing_volatile_is_stored(path):
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info
    assert all("execution" not in cell.metadata for cell in notebook.cells)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@chapters
def test_outputs_are_text_png_and_jpeg(path):
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell), cell.id
            assert set(output.get("data", {})) <= STORED, cell.id
            assert output.get("name") != "stderr", f"{cell.id} warns"


@chapters
def test_every_row_of_the_lecture_has_a_section_that_runs(path):
    chapter = path.stem[:2]
    named = re.compile(r"L\d\.\d\d")
    found = {name: part for name, part in parts(read(path)).items() if named.fullmatch(name)}
    wanted = [f"L{int(chapter)}.{row:02d}" for row in range(1, ROWS[chapter] + 1)]
    assert set(wanted) <= set(found)
    for name, part in found.items():
        assert any(cell.outputs for cell in part.code), name


@chapters
def test_headings_nest(path):
    levels = []
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```", "", cell.source, flags=re.S)
            levels += [len(marks) for marks in re.findall(r"^(#+) ", prose, re.M)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


@chapters
def test_a_cell_fits_on_a_screen_and_a_chapter_into_a_mail(path):
    """No cell is longer than a screen at the projector's size; the file has air below 3 MB."""
    assert max(lines(cell) for cell in code_cells(read(path))) <= 40
    assert path.stat().st_size <= 3_000_000


@chapters
def test_prose_stands_between_printing_cells(path):
    cells = read(path).cells
    for before, after in zip(cells, cells[1:], strict=False):
        if before.cell_type == after.cell_type == "code":
            assert not (before.outputs and after.outputs), (before.id, after.id)


@chapters
def test_pictures_have_alt_text_a_size_and_something_on_them(path):
    found = list(pictures(read(path)))
    assert len(found) >= 5
    for cell, output, mime, image in found:
        alt = output.metadata[mime]["alt"]
        assert len(alt) > 20 and output.data["text/plain"].strip("'") == alt, cell.id
        assert 200 <= image.width <= 1100 and image.height <= 1100, (cell.id, image.size)
        assert np.asarray(image.convert("L")).std() > 5, f"{cell.id} is blank"


@chapters
def test_the_alt_texts_of_figures_are_the_authors(path):
    """They stand in the cell's metadata, one for each figure; an explorer makes its own."""
    for cell in code_cells(read(path)):
        texts = [
            output.metadata[mime]["alt"]
            for output in cell.outputs
            for mime in STORED - {"text/plain"}
            if mime in output.get("data", {})
            and "run this cell to move it" not in output.data["text/plain"]
        ]
        assert cell.metadata.get("alt", []) == texts, cell.id


@chapters
def test_no_code_describes_its_figure(path):
    """The answer to the question above would stand in it, and nobody types a description."""
    for cell in code_cells(read(path)):
        for node in ast.walk(ast.parse(cell.source)):
            assert not (isinstance(node, ast.keyword) and node.arg == "alt"), cell.id


@chapters
def test_ignored_outputs_are_few_and_asserted(path):
    code = code_cells(read(path))
    ignored = [i for i, cell in enumerate(code) if "nbval-ignore-output" in tags(cell)]
    assert len(ignored) <= len(code) / 5  # numbers of trainings and clocks are shown, so ignored
    clinic = next((i for i, c in enumerate(code) if c.id.startswith("clinic")), len(code))
    for i in ignored:
        if i >= clinic:  # its prose gives the spread over three seeds, from its benchmark
            continue
        after = [c for c in code[i + 1 :] if not {"exercise", "question"} & set(tags(c))]
        assert "assert " in code[i].source + (after[0].source if after else ""), code[i].id
    assert not any("nbval-skip" in tags(cell) for cell in code)


@chapters
def test_no_path_host_or_token(path):
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'"image/(png|jpeg)": "[^"]*"', "", text)
    assert not FOREIGN.findall(text) and str(path.parent.parent) not in text


@chapters
def test_no_network_and_nothing_that_never_repeats(path):
    source = "\n".join(cell.source for cell in code_cells(read(path)))
    for word in ("requests", "urllib", "download=True", "fetch(", "%time", "sys.path", "import *"):
        assert word not in source


LECTURE = {  # the slides' own words, by chapter
    "01_image_data": "픽셀 값 색 고화질 흑백 비트맵 행렬 차원 채널 컬러 선명도 광도 불변성",
    "02_cnn": "신경망 차원 임베딩 공간 정보 합성곱 입력 출력 커널 필터 반전 이동 평균 윤곽선 특징 "
    "초기화 가중치 교차상관 희소 상호작용 매개변수 공유 피쳐맵 채널 패딩 풀링 라벨 활성화",
    "03_cnn_evolution": "이미지넷 활성화 비선형 배치 정규화 드롭아웃 증강 기울기 소실 잔차 역전파 "
    "스퀴즈 익사이테이션 가중치 최적화",
    "04_computer_vision": "컴퓨터 비전 객체 탐지 경계 상자 그리드 신뢰도 라벨 선택적 탐색 회귀 "
    "의미론적 분할 인스턴스 분할 파놉틱 분할 이미지 생성 생성자 판별자 적대 스타일 전이 손실",
}


@chapters
def test_the_words_of_the_lecture_are_introduced(path):
    """Each stands in the prose of its chapter, or of one before it."""
    upto = CHAPTERS[: CHAPTERS.index(path) + 1]
    prose = "\n".join(c.source for p in upto for c in read(p).cells if c.cell_type == "markdown")
    assert [word for word in LECTURE[path.stem].split() if word not in prose] == []


@chapters
def test_glossary_explains_terms_that_the_text_introduced(path):
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    glossary = next(cell for cell in cells if cell.startswith("## Glossary"))
    before = "\n".join(cell for cell in cells if cell is not glossary)
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", glossary, re.M)[1:]
    assert len(rows) >= 15
    for english, korean, line in rows:
        assert KOREAN.search(korean) or korean == english, english  # a name stays Latin
        assert len(line.split()) >= 3, english
        for term in korean.split(", "):
            assert term in before or term.removesuffix("성") in before, f"{term} is not introduced"
    for term in re.findall(r"\*\*[^*]+ \(([가-힣 ]+)\)\*\*", before):
        assert term in glossary, f"{term} is not in the glossary"


@chapters
def test_the_skeleton_is_whole(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for part in ("**You will build**", "**You need**", "**Runs in**", "## What you built",
                 "## Clinic", "## Project", "## Glossary", "**Lecture note.**"):  # fmt: skip
        assert part in prose, part
    assert prose.count("**Predict**") >= 6 and prose.count("**Explore**") >= 3
    assert sum("question" in tags(cell) for cell in code_cells(read(path))) >= 2


def bound(node):
    """(name, kind) of all that code binds where it stands: not in functions, not in brackets."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name, "defined"
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0], "imported"
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, "a value"
    elif not isinstance(
        node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ):
        for part in ast.iter_child_nodes(node):
            yield from bound(part)


def mentioned(cell):
    """Every name that a cell binds or reads."""
    nodes = list(ast.walk(ast.parse(cell.source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {name for node in nodes for name, _ in bound(node)}


@chapters
def test_no_exercise_takes_a_name_of_the_lesson(path):
    """After Run All a lesson's cell can run again: no stub stands where its function was."""
    cells = code_cells(read(path))
    lesson = set().union(*(mentioned(cell) for cell in cells if "exercise" not in tags(cell)))
    theirs = [name for sources in exercises(path) for source in sources
              for name, kind in bound(ast.parse(source)) if kind != "imported"]  # fmt: skip
    assert len(set(theirs)) == len(exercises(path))
    assert not set(theirs) & lesson


@chapters
def test_no_function_and_value_share_a_name(path):
    """A cell can run again, whatever ran since: its functions are still functions."""
    kinds = {}
    for cell in code_cells(read(path)):
        for name, kind in bound(ast.parse(cell.source)):
            kinds.setdefault(name, {}).setdefault(kind, []).append(cell.id)
    assert not {name: found for name, found in kinds.items() if len(found) > 1}


FIGURES = {  # chapter → exact figures of the lecture's table that its cells print
    "01": ("2,073,600", "3,686,400", "1.78", "(3, 256, 256)", "(256, 256, 3)", "16,777,216",
           "3 bytes a pixel", "[  4 110]", "R > G > B", "[0 1 0 0 0 1 0]"),
    "02": ("(28, 28) → (784,)", "[[1.7 1.7 1.7]\n [1.  1.2 1.8]\n [1.1 0.8 1.3]]", "529,984",
           "9 of 784 a row", "6,084", "[[100, 184], [12, 45]]", "[[36, 80], [12, 15]]",
           "convolution 10", "61,706", "416,520, 86%", "gradient [ 0.25 -0.25]",
           "reversed   [0. 3. 2. 1. 0. 0.]"),
    "03": ("61,706", "trained: 60,000", "(28, 28, 6)", "(14, 14, 6)", "(10, 10, 16)", "(5, 5, 16)",
           "(1, 1, 120)", "61,100,840", "138,357,544", "28% fewer", "11,689,512", "21,797,672",
           "25,557,032", "60,192,808", "28,088,024", "9.9% more", "[-1.34 -0.45  0.45  1.34]",
           "top-2 error 33%", "largest difference of the logits 0.000", "∂h/∂x = 1.22",
           "[[0.88 0.12]]"),
    "04": ("IoU 0.17", "GIoU -0.03", "AP 0.625", "= 1470", "= 960", "row, column: [4 2]", "[0, 2]",
           "[[0.1  0.25 0.   0.41]]", "(12, 19)", "(5, 12, 19)", "(4, 16) → (16, 4)",
           "accuracy 0.875", "pixel accuracy 0.982, mean IoU 0.785",
           "SQ 0.80, RQ 0.67, PQ 0.53", "(1, 15, 8, 8)"),
}  # fmt: skip


@chapters
def test_the_lectures_exact_figures_are_printed(path):
    text = "".join(
        output.get("text", "") for cell in code_cells(read(path)) for output in cell.outputs
    )
    for figure in FIGURES[path.stem[:2]]:
        assert figure in text, figure
