"""How sure is each claim? `uv run python tests/claims.py [--runs 20] [--chapters 234]`.

Runs a chapter as it stands, again and again, with the weights of every network disturbed by a
relative 3e-7 where its optimizer is built (those of the NumPy layers, where they are drawn). This
stands for another processor's rounding: what moves by more than a claim's margin is no claim.
Further runs have two threads, and other instructions of the processor. Each comparison that a cell
asserts or prints as a truth is read on both sides, see `claims_reading.py`. What another machine
has measured is kept beside the runs of this one.

The table "How sure is each claim" of tests/RESULTS.md has those that a training decides;
tests/CLAIMS.json has the numbers of every run. `--judge` only judges again what stands there.
"""

import argparse
import concurrent.futures
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from claims_reading import NAME, Record, judge, rewritten
from repeatability import INSTRUCTIONS, OWN, supported
from results import AT, keep_table, machine
from stored_outputs import IGNORED

from course_utils.command.authors import name_figures
from course_utils.files import write_whole
from notebooks_as_files import CHAPTERS, code_cells, read, tags

STORE = Path(__file__).with_name("CLAIMS.json")
AMOUNT = 3e-7  # relative: a few units in the last place of float32
STILL = {"explorer", "question"}  # tags of cells whose stored output is a still of a widget
THREADS = "OMP_NUM_THREADS"
CLOCKS = (  # cells that compare times
    "alexnet-relu-time",
    "devices-batch",
    "devices-measure",
    "excite-time",
    "gpu-resnet",
    "gpu-table-2",
    "ladder-time",
    "ladder-traffic",
    "limits-time",
    "pair-table",
    "roi-time",
    "same-time",
    "yolo-time",
)


def disturb(seed):
    """From now on every network starts a little beside its weights; seed 0 leaves all as it is."""
    import numpy as np
    import torch

    from course_utils import numpy_layers

    if not seed:
        return
    torch_draw, numpy_draw = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    build, uniform = torch.optim.Optimizer.__init__, numpy_layers.uniform_parameters

    def built(self, *arguments, **options):
        build(self, *arguments, **options)
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    noise = torch.randn(weight.shape, generator=torch_draw).to(weight)
                    weight.mul_(1 + AMOUNT * noise)

    def drawn(*arguments):
        return {
            name: (value * (1 + AMOUNT * numpy_draw.normal(size=value.shape))).astype(value.dtype)
            for name, value in uniform(*arguments).items()
        }

    torch.optim.Optimizer.__init__, numpy_layers.uniform_parameters = built, drawn


def run_here(path, seed):
    """Run a chapter's code cells in this process, which is of no use for anything else afterwards.

    Returns what was found, as JSON can hold it: a dict of "claims": key → entry, see `Record`;
    "texts": IDs of cells whose compared text is not the stored one; "errors": ID → sentence.
    """
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    disturb(seed)
    leave_unpainted()
    os.chdir(path.parent)
    shell, record = InteractiveShell.instance(), Record()
    shell.user_ns[NAME] = record
    shell.colors = "nocolor"
    texts, errors = [], {}
    for cell in code_cells(read(path)):
        transform = OneCell(cell.id)
        shell.ast_transformers = [transform]
        with capture_output() as shown:
            done = shell.run_cell(cell.source)
        problem = done.error_before_exec or done.error_in_exec
        if problem is not None:
            errors[cell.id] = f"{type(problem).__name__}: {problem}"
        elif is_compared(cell) and words(shown, cell) != stored(cell):
            texts.append(cell.id)
    return {"claims": record.found, "texts": texts, "errors": errors}


def leave_unpainted():
    """Figures and explorers take their numbers, but no picture is made: nobody looks."""
    from course_utils import figures
    from course_utils.explorers import engine

    figures.render = engine.encode = lambda *_, **__: b""
    engine.Explorer._paint = lambda self: None


class OneCell:
    """IPython's transformer of one cell's tree."""

    def __init__(self, cell):
        self.cell = cell

    def visit(self, tree):
        """The same statements, their comparisons sent through the Record."""
        import ast

        from claims_reading import Reader

        return ast.fix_missing_locations(Reader(self.cell).visit(tree))


def is_compared(cell):
    """Whether nbval compares its text; a widget's still is made in a kernel, not here."""
    return not {IGNORED, *STILL} & set(tags(cell))


def words(shown, cell):
    """All text of a cell: what it printed, and what it displayed, figures by the author's texts."""
    outputs = [{"data": output.data} for output in shown.outputs]
    name_figures(outputs, cell.metadata.get("alt", ()))
    texts = [str(output["data"].get("text/plain", "")) for output in outputs]
    return re.sub(r"^Out\[\d+\]: ", "", "".join([shown.stdout, *texts]), flags=re.M).rstrip()


def stored(cell):
    """The same of a stored cell; printed text first."""
    printed = [output.text for output in cell.outputs if output.output_type == "stream"]
    shown = [output.data["text/plain"] for output in cell.outputs if "data" in output]
    return "".join(printed + shown).rstrip()


def settings(runs):
    """Dict of a run's name → (seed, variables of the environment)."""
    one = {THREADS: "1"}
    found = {"as it is": (0, one)}
    found |= {f"disturbed {seed}": (seed, one) for seed in range(1, runs + 1)}
    found["2 threads"] = (0, {THREADS: "2"})
    for name in supported():
        if INSTRUCTIONS[name]:
            found[name] = (0, one | INSTRUCTIONS[name])
    return found


def in_child(path, seed, variables):
    """One run in a process of its own; returns what `run_here` does."""
    environment = {k: v for k, v in os.environ.items() if k not in OWN} | variables
    root = str(Path(__file__).parents[1])  # this copy of the course, whichever is installed
    environment |= {"TQDM_DISABLE": "1", "MPLBACKEND": "agg", "PYTHONPATH": root}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "found.json")
        command = [sys.executable, __file__, "--one", str(path), str(seed), str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{path.stem}, seed {seed}: {done.stderr[-2000:]}")
        return json.loads(out.read_text(encoding="utf-8"))


def claim_sources(path):
    """Dict of key → text of each comparison that a chapter's cells assert or print."""
    found = {}
    for cell in code_cells(read(path)):
        found |= rewritten(cell.id, cell.source)[1]
    return found


def load():
    """What was measured: chapter → {"machine", "date", "sources", "runs": {name → found}}."""
    data = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    for chapter in data.values():
        first, *others = chapter["runs"].values()
        for run in others:
            both = first["claims"] | run["claims"]
            run["claims"] = {key: entry for key, entry in both.items() if entry}
    return data


def store(data):
    """Write it, and the table of RESULTS.md.

    Of later runs only what differs from the first; null is what they have not measured.
    """
    data = {name: chapter for name, chapter in data.items() if chapter["runs"]}
    short = copy.deepcopy(data)
    for chapter in short.values():
        first, *others = chapter["runs"].values()
        for run in others:
            keys = first["claims"] | run["claims"]
            found = {key: run["claims"].get(key) for key in keys}
            run["claims"] = {k: e for k, e in found.items() if e != first["claims"].get(k)}
    lines = json.dumps(short, ensure_ascii=False, separators=(",", ":"))
    write_whole(STORE, (lines.replace('},"', '},\n"') + "\n").encode())
    keep_table("claims", {name: row for chapter in data for name, row in rows(chapter, data)})


def judged(chapter, data):
    """Dict of key → Claim of a chapter, those that vary and those that do not."""
    runs = list(data[chapter]["runs"].values())
    found = {}
    for key in runs[0]["claims"] if runs else ():
        entries = [run["claims"][key] for run in runs if key in run["claims"]]
        text = data[chapter]["sources"].get(key.split(".")[0], key)
        found[key] = judge(text, entries, key.split(":")[0] in CLOCKS)
    return found


def rows(chapter, data):
    """Rows of the table: claims that vary, the least sure one first."""
    varying = [(key, claim) for key, claim in judged(chapter, data).items() if claim.varies]
    others = {name.partition(AT)[2] for name in data[chapter]["runs"]} - {""}
    machines = "; and ".join([data[chapter]["machine"], *sorted(others)])
    for key, claim in sorted(varying, key=lambda pair: (pair[1].ranges, pair[1].deviations)):
        text = claim.text.replace("|", "\\|")
        yield (
            f"{chapter[:2]} `{key}` `{text}`",
            {
                "bound": claim.bound,
                "lowest": f"{claim.low:.4g}",
                "median": f"{claim.middle:.4g}",
                "highest": f"{claim.high:.4g}",
                "deviations away": f"{claim.deviations:.1f}",
                "ranges away": f"{claim.ranges:.2f}",
                "times the bound": f"{claim.factor:.1f}" if claim.clock else "",
                "true in": f"{claim.true_in} of {claim.runs}",
                "machine": machines,
                "date": data[chapter]["date"],
            },
        )


def complain(chapter, data):
    """Sentences on claims that are too narrow, texts that differed and cells that failed."""
    for key, claim in judged(chapter, data).items():
        if not claim.holds:
            yield (
                f"{key} `{claim.text}`: true in {claim.true_in} of {claim.runs}, {claim.bound}, "
                f"{claim.low:.4g} … {claim.middle:.4g} … {claim.high:.4g}, "
                f"{claim.deviations:.1f} deviations, {claim.ranges:.2f} ranges"
            )
    for name, run in data[chapter]["runs"].items():
        if run["texts"]:
            yield f"{name}: another text in {', '.join(run['texts'])}"
        for cell, problem in run["errors"].items():
            yield f"{name}: {cell}: {problem}"


def kept(old, sources, fresh):
    """What stays of a chapter's earlier runs: those comparisons whose text is the same."""
    if fresh or old is None:
        return {"machine": machine(), "sources": sources, "runs": {}}
    same = {key for key, text in sources.items() if old["sources"].get(key) == text}
    for run in old["runs"].values():
        of = {key: entry for key, entry in run["claims"].items() if key.split(".")[0] in same}
        run |= {"claims": of, "complete": complete(run) and sources == old["sources"]}
    return old | {"sources": sources}


def here(name, chapter):
    """The name of a run on this machine; the chapter's own machine is not named."""
    return name if chapter["machine"] == machine() else f"{name}{AT}{machine()}"


def complete(run):
    """Whether a run that was stored has all comparisons of the chapter as it is."""
    return bool(run) and run.get("complete", True)


def measure(paths, runs, workers, only, fresh=False):
    """Run what is asked for, and store each run as soon as it is there.

    A run that is there is not run again, unless a comparison is new or has another text. fresh:
    drop all that is there, as is right after a change of what is trained.
    """
    import datetime

    data = load()
    jobs = []
    for path in paths:
        sources = claim_sources(path)
        today = {"date": datetime.date.today().isoformat()}
        chapter = data[path.stem] = kept(data.get(path.stem), sources, fresh) | today
        for place, (name, how) in enumerate(settings(runs).items()):
            name = here(name, chapter)
            if re.search(only, name) and not complete(chapter["runs"].get(name)):
                jobs.append((place, path, name, *how))
    jobs.sort(key=lambda job: job[0])
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        waits = {pool.submit(in_child, path, *how): (path, name) for _, path, name, *how in jobs}
        for done in concurrent.futures.as_completed(waits):
            path, name = waits[done]
            data[path.stem]["runs"][name] = done.result()
            print(f"{path.stem}, {name}", flush=True)
            store(data)
    return data


def main():
    """Measure, or only judge; print what is too narrow; 1 if anything is."""
    parser = argparse.ArgumentParser(description="How sure is each claim?")
    parser.add_argument("--runs", type=int, default=20, help="disturbed runs a chapter")
    parser.add_argument("--chapters", default="1234")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 1)))
    parser.add_argument("--only", default="", help="only runs whose name has this pattern")
    parser.add_argument("--fresh", action="store_true", help="drop the runs that are there")
    parser.add_argument("--judge", action="store_true", help="run nothing")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        path, seed, out = chosen.one
        found = run_here(Path(path), int(seed))
        Path(out).write_text(json.dumps(found), encoding="utf-8")
        return 0
    paths = [path for path in CHAPTERS if path.stem[1] in chosen.chapters]
    if chosen.judge:
        store(data := load())
    else:
        data = measure(paths, chosen.runs, chosen.workers, chosen.only, chosen.fresh)
    bad = 0
    for path in paths:
        for sentence in complain(path.stem, data):
            print(f"{path.stem}: {sentence}")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
