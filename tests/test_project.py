"""The project's own promises: dependencies, licences, imports, prose that matches the files."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml

from notebooks_as_files import CHAPTERS, ROOT, code_cells, read

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted((ROOT / "course_utils").rglob("*.py"))
BENCHMARKS = sorted((ROOT / "tests" / "benchmarks").glob("*.py"))
if shutil.which("git") is None or not (ROOT / ".git").exists():
    pytest.skip("these tests ask git which files belong to the course", allow_module_level=True)
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT, capture_output=True, text=True, check=True,
).stdout.split("\n")  # fmt: skip
TEXTS = [
    ROOT / name
    for name in TRACKED
    if name.endswith((".py", ".md", ".toml", ".yml", ".js", ".css", ".json", "run", ".ipynb"))
    and (ROOT / name).is_file()
]


def test_environment_yml_is_the_project_through_pip():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert conda == [f"python{PROJECT['project']['requires-python']}", "pip"]
    assert pip == {"pip": ["-e ."]}
    assert environment["name"] == PROJECT["project"]["name"]


def test_the_oldest_and_the_newest_python_are_tested_and_told():
    steps = yaml.safe_load((ROOT / ".github/workflows/course.yml").read_text(encoding="utf-8"))
    oldest, *_, newest = steps["jobs"]["run"]["strategy"]["matrix"]["python"]
    major, minor = newest.split(".")
    assert PROJECT["project"]["requires-python"] == f">={oldest},<{major}.{int(minor) + 1}"
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"Python {oldest} to {newest}" in text and f"Python, {oldest} to {newest}" in text


def test_every_dependency_says_why():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    for package in packages:
        assert re.search(rf'^    "{re.escape(package)}", +# \S.+', text, re.M), package
    assert "exclude-newer" in PROJECT["tool"]["uv"]


def test_the_small_build_is_found_on_a_server_that_gives_no_dates(tmp_path):
    if (uv := shutil.which("uv")) is None:
        pytest.skip("uv is not here")
    shelf = tmp_path / "simple" / "torch"
    shelf.mkdir(parents=True)
    wheel = "torch-2.15.0+cpu-py3-none-any.whl"
    with zipfile.ZipFile(shelf / wheel, "w") as archive:
        described = "torch-2.15.0+cpu.dist-info"
        archive.writestr(
            f"{described}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.15.0+cpu"
        )
        archive.writestr(
            f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any"
        )
        archive.writestr(f"{described}/RECORD", "")
    (shelf / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>', encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "wanted.txt").write_text("torch", encoding="utf-8")
    index = (tmp_path / "simple").as_uri()
    asked = [
        uv,
        "pip",
        "compile",
        "wanted.txt",
        "--default-index",
        index,
        "--python",
        sys.executable,
    ]
    found = subprocess.run(
        [*asked, "--cache-dir", tmp_path / "cache"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "torch==2.15.0+cpu" in found.stdout, found.stderr


def test_floors_that_close_known_holes():
    text = " ".join(PROJECT["project"]["dependencies"])
    for floor in ("jupyterlab>=4.5.7", "torch>=2.10", "pillow>=12.3"):
        assert floor in text


def test_no_lock_file_and_no_registry_host():
    assert "uv.lock" not in TRACKED
    hosts = re.compile("pypi" + r"\.org|pythonhosted\.org|registry\.npmjs|download\.pytorch\.org")
    for path in TEXTS:
        if path.name not in ("test_project.py", "test_notebooks.py"):
            assert not hosts.search(path.read_text(encoding="utf-8")), path


def test_nothing_at_the_top_without_a_reason():
    allowed = {"notebooks", "course_utils", "data", "tests", "environment.yml", "README.md",
               "pyproject.toml", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md",
               "CITATION.cff"}  # fmt: skip
    top = {name.split("/")[0] for name in TRACKED if name}
    assert {name for name in top if not name.startswith(".")} <= allowed


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            whole = node.module == "course_utils"  # a module is imported as a module
            yield from (
                (f"{node.module}.{name.name}" for name in node.names) if whole else [node.module]
            )
            assert all(name.name != "*" for name in node.names), path


def test_the_rooms_import_one_way():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_public_things_have_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), path
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}: {node.name}"


def unsafe(tree):
    """What a file could use to run code or to write outside, as a list of texts."""
    found = []
    items = [item for node in ast.walk(tree) if isinstance(node, ast.With) for item in node.items]
    zips = {ast.unparse(item.optional_vars) for item in items
            if item.optional_vars and "ZipFile(" in ast.unparse(item)}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [name.name for name in node.names] + [getattr(node, "module", None) or ""]
            roots = {name.split(".")[0] for name in names}
            found += roots & {"pickle", "cPickle", "joblib", "dill", "shelve", "marshal"}
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {keyword.arg: getattr(keyword.value, "value", ...) for keyword in node.keywords}
            bad = called in ("eval", "exec", "os.system", "os.popen") or "shell" in given
            if called == "torch.load" or "weights_only" in given:
                bad |= given.get("weights_only") is not True
            if called == "np.load":
                bad |= given.get("allow_pickle") is not False
            owner, _, method = called.rpartition(".")
            if method in ("extract", "extractall") and owner not in zips:
                bad |= "filter" not in given
            found += [called] if bad else []
    return found


def cells_of(path):
    """The code of a module, or of the code cells of a notebook."""
    if path.suffix == ".py":
        return [path.read_text(encoding="utf-8")]
    return [cell.source for cell in code_cells(read(path))]


@pytest.mark.parametrize("path", MODULES + BENCHMARKS + CHAPTERS, ids=lambda path: path.stem)
def test_nothing_unsafe(path):
    runs_answers = ["exec", "eval"] if path.stem == "answer_trials" else []  # in its own process
    for source in cells_of(path):
        assert unsafe(ast.parse(source)) == runs_answers


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from dill import load", "torch.load(f)", "torch.load(f, weights_only=False)",
     "np.load(f, allow_pickle=True)", "tar.extractall(here)", "eval(x)", "exec(x)",
     "os.system(x)", "run(x, shell=True)"],
)  # fmt: skip
def test_what_is_unsafe_is_seen(source):
    assert unsafe(ast.parse(source))


def test_readme_starts_with_what_a_visitor_needs():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    top = "\n".join(lines[:20])
    for part in ("![", "pip install uv", "uv run course lab", "uv run pytest"):
        assert part in top, part


def test_links_in_the_prose_lead_somewhere():
    for path in TEXTS:
        if path.suffix == ".md":
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text("utf-8")):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_readme_tells_the_chapters_that_are_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in CHAPTERS:
        assert f"notebooks/{path.name}" in text


def test_every_import_is_declared():
    declared = {re.split(r"[<>=]", package)[0].lower().replace("-", "_")
                for package in PROJECT["project"]["dependencies"]}  # fmt: skip
    names = {"pil": "pillow", "skimage": "scikit_image", "sklearn": "scikit_learn"}
    for path in MODULES:
        for module in imports(path):
            top = module.split(".")[0].lower()
            if top != "course_utils" and top not in sys.stdlib_module_names:
                assert names.get(top, top) in declared, f"{path.name}: {module}"


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff_has_nothing_to_say(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
