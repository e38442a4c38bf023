"""Keeps what was measured: tests/RESULTS.json, and from it the tables of tests/RESULTS.md."""

import contextlib
import datetime
import json
import platform
import re
import time
from pathlib import Path

from course_utils.doctor import usable_cores
from course_utils.files import write_whole

FOLDER = Path(__file__).resolve().parent
JSON, PAGE = FOLDER / "RESULTS.json", FOLDER / "RESULTS.md"
AT = " @ "


def machine():
    """This machine in a few words: processor, cores, torch; and its GPU if there is one."""
    import torch

    name = f"{_processor()}, {usable_cores()} cores"
    if torch.cuda.is_available():
        name += f", {torch.cuda.get_device_name()}"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{name}; {platform.system()}, {versions}"


def _processor():
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].split(" @")[0] if found else platform.processor() or platform.machine()


def keep(table, row, values):
    """Store the cells of one row, a dict of column → text, with machine and date; write both files.

    A cell that the row had is replaced; its others stay if they are of the same machine. What
    another processor measured stays as a row of its own, stored under the row's name, " @ " and
    the processor.
    """
    mine = values | {"machine": machine(), "date": datetime.date.today().isoformat()}
    with alone():
        data = json.loads(JSON.read_text(encoding="utf-8")) if JSON.exists() else {}
        rows = data.setdefault(table, {})
        if row in rows and processor(rows[row]) != processor(mine):
            row += f"{AT}{processor(mine)}"
        old = rows.get(row, mine)
        rows[row] = (old if old["machine"] == mine["machine"] else {}) | mine
        write_whole(JSON, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())
        write_page(data)


def processor(values):
    """Of a row's machine, the processor and its cores."""
    return values["machine"].partition(";")[0]


def keep_table(table, rows):
    """Store a whole table: row → column → text, the columns "machine" and "date" among them."""
    with alone():
        data = json.loads(JSON.read_text(encoding="utf-8")) if JSON.exists() else {}
        data[table] = rows
        write_whole(JSON, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())
        write_page(data)


@contextlib.contextmanager
def alone():
    """Wait until no other process writes results, at most a minute."""
    lock = JSON.with_suffix(".lock")
    for _ in range(600):
        try:
            lock.mkdir()
            break
        except FileExistsError:
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.rmdir()


def write_page(data):
    """Put every table of `data` between its two marks in RESULTS.md."""
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in data.items():
        begin, end = f"<!-- table {name} -->", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise ValueError(f"{PAGE.name} must hold {begin!r} and {end!r}")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{as_table(rows)}\n\n{end}{rest.partition(end)[2]}"
    write_whole(PAGE, text.encode())


def as_table(rows):
    """Dict of row → dict of column → text, as Markdown; machines are numbered below it.

    A row of another processor stands behind the first of the same name.
    """
    names = [name.partition(AT)[0] for name in rows]
    rows = dict(sorted(rows.items(), key=lambda item: names.index(item[0].partition(AT)[0])))
    machines = list(dict.fromkeys(values["machine"] for values in rows.values()))
    columns = dict.fromkeys(name for values in rows.values() for name in values)
    columns = [name for name in columns if name not in ("date", "machine")]
    columns = [*sorted(columns, key=lambda name: name * name.startswith("chapter ")), "date"]
    lines = ["|".join(["", " what ", *(f" {name} " for name in columns), " machine ", ""])]
    lines.append("|" + "---|" * (len(columns) + 2))
    for name, values in rows.items():
        row = name.partition(AT)[0]
        cells = [str(values.get(name, "")) for name in columns]
        lines.append(f"| {' | '.join([row, *cells, str(machines.index(values['machine']) + 1)])} |")
    notes = [f"{number}. {name}" for number, name in enumerate(machines, start=1)]
    return "\n".join([*lines, "", "Machines:", "", *notes])
