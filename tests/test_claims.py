"""The harness of the claims: it reads both sides, finds what is too narrow, leaves nothing out."""

import copy

import claims
import nbformat
import numpy as np
import pytest
import torch
from claims_reading import NAME, Record, judge, rewritten

from notebooks_as_files import CHAPTERS

RUNS = 20  # disturbed runs for each claim that varies
CELL = """
trained, table = 0.97, {"a": (0.2, 1), "b": (0.1, 5)}
assert trained > 0.93 and 0.5 < trained < 1, "never raised"
print("above .9:", trained > 0.9, f"{trained < 1}")
print("sorted:", table["b"] < table["a"])
same = np.allclose([1.0, 2.0], [1.0, 2.00001])
print("equal:", same, "all:", all(x < 3 for x in (1, 2.5, 2)))
truth = trained > 0.5
if trained > 0.1:
    count = len([x for x in (1, 2) if x > 1])
assert torch.allclose(torch.ones(2), torch.ones(2) * 1.5, rtol=1) and count == 1
"""


def run(source, **names):
    tree, sources = rewritten("cell", source)
    record = Record()
    exec(compile(tree, "cell", "exec"), {"np": np, "torch": torch, NAME: record} | names)
    return record.found, sources


def by_text(found, sources):
    return {sources[key.split(".")[0]] + key.partition(".")[2]: it for key, it in found.items()}


def test_both_sides_are_read_and_the_cell_does_what_it_did(capsys):
    found = by_text(*run(CELL))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["above .9: True True", "sorted: True", "equal: True all: True"]
    assert found["trained > 0.93"]["least"] == (0.97, 0.93)
    assert found["0.5 < trained < 10"]["least"] == (0.5, 0.97)
    assert found["0.5 < trained < 11"]["least"] == (0.97, 1)
    assert found["trained > 0.9"]["truth"] == "T" and found["trained < 1"]["sign"] == "<"
    assert found["table['b'] < table['a']"]["least"] == (0.1, 0.2)
    assert found["x < 3"]["least"] == (2.5, 3) and found["x < 3"]["truth"] == "TTT"
    close = found["np.allclose([1.0, 2.0], [1.0, 2.00001])"]["least"]
    assert close[1] == 1 and close[0] == pytest.approx(1e-5 / (1e-8 + 2.00001e-5))
    wide = found["torch.allclose(torch.ones(2), torch.ones(2) * 1.5, rtol=1)"]["least"]
    assert wide[0] == pytest.approx(0.5 / 1.5, rel=1e-6)
    assert found["same"]["truth"] == "T" and found["trained > 0.5"]["least"] == (0.97, 0.5)
    assert "trained > 0.1" not in found and "x > 1" not in found  # neither asserted nor printed


def test_a_false_assertion_does_not_end_the_run():
    found = by_text(*run("assert trained > 0.93\nafter = 1\nassert after == 1", trained=0.5))
    assert found["trained > 0.93"]["truth"] == "F" and found["after == 1"]["truth"] == "T"


def over(values, bound=0.93):
    runs = [run(f"assert trained > {bound}", trained=value)[0] for value in values]
    return judge("trained > bound", [found["cell:0"] for found in runs])


def test_a_claim_that_is_too_narrow_is_found():
    assert over([0.970, 0.971, 0.969, 0.972]).holds
    assert not over([0.970, 0.940, 0.990, 0.960]).holds  # nearer than 4 deviations
    assert not over([0.970, 0.971, 0.969, 0.920]).holds  # once false
    assert not over([0.95, *[0.9901, 0.9899] * 20]).holds  # within half its range
    assert over([0.95] * 4).holds and not over([0.95] * 4).varies


def test_a_printed_false_is_a_claim_too():
    def one(value):
        return run("print('below:', trained < 0.5)", trained=value)[0]["cell:0"]

    assert judge("below", [one(value) for value in (0.9, 0.91, 0.89)]).holds
    assert not judge("below", [one(value) for value in (0.6, 0.9, 0.52)]).holds
    assert not judge("below", [one(value) for value in (0.9, 0.9, 0.49)]).holds


def test_networks_are_disturbed_where_their_optimizer_is_built(monkeypatch):
    from course_utils import numpy_layers

    monkeypatch.setattr(torch.optim.Optimizer, "__init__", torch.optim.Optimizer.__init__)
    monkeypatch.setattr(numpy_layers, "uniform_parameters", numpy_layers.uniform_parameters)
    claims.disturb(1)
    torch.manual_seed(0)
    first = torch.nn.Linear(30, 30)
    second = copy.deepcopy(first)
    torch.optim.SGD(second.parameters(), 0.1)
    changes = [(second.weight / first.weight).detach().numpy() - 1]
    bare = np.random.default_rng(0).uniform(-1, 1, (30, 30)) / np.sqrt(30)
    drawn = numpy_layers.Linear(30, 30, rng=np.random.default_rng(0)).parameters["weight"]
    assert np.allclose(drawn, bare, rtol=1e-5)
    changes += [drawn / bare - 1]
    for change in np.abs(changes):
        assert 0 < change.max() < 3e-6 and np.median(change) > 5e-8


def test_a_whole_run_is_read(tmp_path):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(
        ("x = 2", "print('more than one:', x > 1)", "assert x < 1", "1 / 0", "x"))]  # fmt: skip
    cells[1].outputs = [nbformat.v4.new_output("stream", text="more than one: True\n")]
    cells[4].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "3"})]
    path = tmp_path / "05_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    found = claims.in_child(path, 0, {})
    assert found["claims"]["c1:0"]["least"] == [2, 1] and found["claims"]["c2:0"]["truth"] == "F"
    assert found["texts"] == ["c4"] and list(found["errors"]) == ["c3"]


def test_what_a_run_has_not_measured_is_not_taken_from_another(monkeypatch, tmp_path):
    monkeypatch.setattr(claims, "STORE", tmp_path / "CLAIMS.json")
    monkeypatch.setattr(claims, "keep_table", lambda *_: None)
    entries = {"a:0": run("assert x > 1", x=2)[0]["cell:0"], "b:0": {"truth": "T", "sign": "is"}}
    entries["a:0"] |= {"least": [2, 1], "most": [2, 1]}
    entries["b:0"] |= {"least": None, "most": None}
    runs = {"as it is": entries, "disturbed 1": {"a:0": entries["a:0"]}}
    chapter = {"machine": "m", "date": "d", "sources": {"a:0": "x > 1", "b:0": "y"}}
    empty = {"texts": [], "errors": {}}
    data = {"05": chapter | {"runs": {k: empty | {"claims": it} for k, it in runs.items()}}}
    claims.store(data)
    assert claims.load() == data


def test_runs_of_another_machine_stand_beside_those_that_are_there(monkeypatch, tmp_path):
    table = {}
    path = tmp_path / "05_small.ipynb"
    cells = [nbformat.v4.new_code_cell("x = 2\nassert x > 1", id="c")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    monkeypatch.setattr(claims, "STORE", tmp_path / "CLAIMS.json")
    monkeypatch.setattr(claims, "keep_table", lambda _, rows: table.update(rows))
    for name, right in (("one", 2), ("another", 3)):
        entry = {"truth": "T", "sign": ">", "least": [right, 1], "most": [right, 1]}
        said = {"claims": {"c:0": entry}, "texts": [], "errors": {}}
        monkeypatch.setattr(claims, "machine", lambda name=name: name)
        monkeypatch.setattr(claims, "in_child", lambda *_, said=said: copy.deepcopy(said))
        claims.measure([path], 1, 1, "^as")
    assert list(claims.load()["05_small"]["runs"]) == ["as it is", "as it is @ another"]
    nothing = claims.measure([path], 1, 1, "^none of these", fresh=True)
    assert list(claims.complain("05_small", nothing)) == []
    assert table["05 `c:0` `x > 1`"]["highest"] == "3"
    assert table["05 `c:0` `x > 1`"]["machine"] == "one; and another"


@pytest.mark.parametrize("path", CHAPTERS[1:], ids=lambda path: path.stem)
def test_every_comparison_of_a_chapter_that_trains_was_measured(path):
    """A claim that is new or other than it was: run `tests/claims.py --chapters N`."""
    assert claims.load()[path.stem]["sources"] == claims.claim_sources(path)


@pytest.mark.parametrize("path", CHAPTERS[1:], ids=lambda path: path.stem)
def test_every_claim_stands_far_from_its_bound(path):
    data = claims.load()
    runs = [run for name, run in data[path.stem]["runs"].items() if name.startswith("disturbed")]
    for key, claim in claims.judged(path.stem, data).items():
        wanted = RUNS if claim.varies else 3
        assert sum(key in run["claims"] for run in runs) >= wanted, f"{key}: {claim.text}"
    assert list(claims.complain(path.stem, data)) == []
