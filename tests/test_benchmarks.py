"""Every benchmark can be imported and run: its smallest case, of which nothing is kept."""

import importlib
import os
import shutil
import sys

import pytest
import results

from notebooks_as_files import ROOT

FOLDER = ROOT / "tests" / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
KEPT = [results.JSON, results.PAGE, FOLDER, ROOT / "data"]


def files():
    """What a benchmark must leave as it is: the results, each file of the data, itself."""
    paths = [path for kept in KEPT for path in (kept, *kept.rglob("*")) if path.is_file()]
    return {path: path.stat().st_mtime_ns for path in paths if path.suffix != ".pyc"}


@pytest.fixture
def module(request, monkeypatch, tmp_path):
    """A benchmark as its command imports it, whose results go elsewhere."""
    here, loaded = dict(os.environ), set(sys.modules)
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "argv", [str(FOLDER / f"{request.param}.py")])
    before = files()
    monkeypatch.setattr(results, "PAGE", shutil.copy(results.PAGE, tmp_path / "RESULTS.md"))
    monkeypatch.setattr(results, "JSON", tmp_path / "RESULTS.json")
    yield importlib.import_module(request.param)
    for name in set(sys.modules) - loaded:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(FOLDER)):
            del sys.modules[name]
    for name in set(os.environ) - set(here):
        del os.environ[name]
    os.environ.update(here)
    assert files() == before


@pytest.mark.parametrize("module", NAMES, indirect=True)
def test_the_smallest_case_runs(module, capsys):
    module.small()
    quiet = module.__name__ == "all" or module.__name__ == "gpu"
    assert capsys.readouterr().out or quiet


def test_there_are_benchmarks():
    assert {"convolution", "permuted_pixels", "two_stage"} <= set(NAMES)
