"""The quick part of tests/repeatability.py, and that its judges can fail."""

import chapter_runs
import pytest
import results

from notebooks_as_files import CHAPTERS, ROOT, code_cells, parts, read


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_section_is_reached_from_a_restart_with_what_it_names(path):
    found = parts(read(path))
    order, tested = list(found), set()

    def needed(name):
        names = {"start"}.union(*({other} | needed(other) for other in found[name].needs))
        return names - {name}

    for names in chapter_runs.restarts(found):
        assert names == sorted(names, key=order.index)
        tested |= {name for place, name in enumerate(names) if set(names[:place]) == needed(name)}
    assert tested >= set(order) - {"start"}
    assert sum(len(section.code) for section in found.values()) == len(code_cells(read(path)))


def cells(*sources):
    """Code cells without outputs."""
    return [chapter_runs.nbformat.v4.new_code_cell(source) for source in sources]


def test_a_cell_that_says_something_else_the_second_time_is_found(tmp_path):
    once = chapter_runs.run(cells("n = 0", "n += 1; print(n)", "print(7)"), tmp_path)
    assert chapter_runs.compare(zip(once, once, strict=True)) == (3, [])
    path = tmp_path / "chapter.ipynb"
    chapter_runs.nbformat.write(chapter_runs.nbformat.v4.new_notebook(cells=once), path)
    count, (problem,) = chapter_runs.doubled(path)
    assert count == 6 and "n += 1" in problem


def test_results_are_kept_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "JSON", tmp_path / "RESULTS.json")
    monkeypatch.setattr(results, "PAGE", tmp_path / "RESULTS.md")
    text = "before\n<!-- table repeats -->\n<!-- end of repeats -->\nafter\n"
    results.PAGE.write_text(text, encoding="utf-8")
    results.keep("repeats", "doubled", {"chapter 1": "all 3"})
    results.keep("repeats", "doubled", {"chapter 2": "4 of 5"})
    results.keep("repeats", "restarts", {"chapter 1": "all 2"})
    page = results.PAGE.read_text(encoding="utf-8")
    assert page.startswith("before\n") and page.endswith("after\n")
    assert "| doubled | all 3 |" in page and "| 4 of 5 |" in page and "| restarts | all 2 |" in page


def test_what_another_processor_measured_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "JSON", tmp_path / "RESULTS.json")
    monkeypatch.setattr(results, "PAGE", tmp_path / "RESULTS.md")
    text = "<!-- table repeats -->\n<!-- end of repeats -->\n"
    results.PAGE.write_text(text, encoding="utf-8")
    for machine, said in [
        ("one, 2 cores; Linux, torch 3", {"chapter 1": "all 3"}),
        ("one, 2 cores; Linux, torch 3", {"chapter 2": "all 5"}),
        ("two, 2 cores; Linux, torch 3", {"chapter 1": "2 of 3"}),
        ("two, 2 cores; Linux, torch 4", {"chapter 2": "all 7"}),
    ]:
        monkeypatch.setattr(results, "machine", lambda it=machine: it)
        results.keep("repeats", "doubled", said)
        results.keep("repeats", "restarts", said)
    rows = [line for line in results.PAGE.read_text(encoding="utf-8").splitlines() if "all" in line]
    assert [[cell.strip() for cell in row.split("|")[1:4]] for row in rows] == [
        [name, *cells]
        for name in ("doubled", "restarts")
        for cells in (["all 3", "all 5"], ["", "all 7"])  # another torch on the same processor
    ]


def test_the_page_says_what_the_data_say(tmp_path, monkeypatch):
    if not results.JSON.exists():
        pytest.skip("nothing measured yet")
    before = results.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(results, "PAGE", tmp_path / "RESULTS.md")
    results.PAGE.write_text(before, encoding="utf-8")
    results.write_page(results.json.loads(results.JSON.read_text(encoding="utf-8")))
    assert results.PAGE.read_text(encoding="utf-8") == before
    assert (ROOT / "tests" / "RESULTS.md").exists()
