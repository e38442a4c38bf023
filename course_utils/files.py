"""Files: where the course lies, names as people give them, corrections by git, whole writing.

`find` takes a name that differs from one on the disk only by what nobody means (Unicode's form,
quotes and spaces around it, signs that are not seen), and offers one that may be meant (other
capitals, another ending, a slip of the finger).
"""

import difflib
import os
import re
import shutil
import subprocess
import unicodedata
import uuid
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def write_whole(path, data):
    """Write bytes to `path` through a temporary file beside it.

    A full disk, an interrupt or a crash leaves the old file as it was. A link is followed.
    Raises OSError.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


ROOT = Path(__file__).resolve().parent.parent  # the course's folder
PATIENCE_S = 5  # nobody waits for git's answer: it is asked for while JupyterLab starts
AROUND = " \"'`“”„‘’‚«»"  # what is pasted along with a name
ENDINGS = re.compile(r"(\.[a-z][a-z0-9]{1,11})+$")
COPY = re.compile(r"( ?\(\d+\)| ?- ?copy\d*)(?=\.|$)")  # how browsers and JupyterLab mark a copy
ADDRESS = re.compile(r"(?!file:)[a-z]{2,}://", re.I)


def cleaned(name):
    """A name without what nobody means: quotes and spaces around it, unseen signs; in NFC."""
    text = unicodedata.normalize("NFC", str(name))
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cc"))
    return " ".join(text.split()).strip(AROUND)  # a space that does not break is a space


def nearest(name, known, alike=0.6):
    """The name among `known` that may be meant by `name`; None if none is alike.

    known: list of texts. Capitals, endings and marks of a copy count least. alike: how much of
    the rest must be the same, 0 … 1.
    """
    plain = [_plain(text) for text in known]
    near = difflib.get_close_matches(_plain(name), filter(None, plain), n=1, cutoff=alike)
    same = [text for text, found in zip(known, plain, strict=True) if near == [found]]
    return max(same, key=lambda text: _ratio(cleaned(name), text), default=None)


def find(name, suits=Path.is_file, folder="."):
    """The path that a person means by `name`; where there is none, what to add to a message.

    name: text or Path. suits: function Path → whether it is of the wanted kind. folder: where a
    relative name starts. Returns path, hint: a path that suits and None; else the path that
    would be meant and a text, "; did you mean '…'?" where something alike is there. Raises nothing.
    """
    folder, given, wanted = Path(folder), _at_home(Path(str(name))), _as_path(name)
    try:
        for path in (folder / given, folder / wanted, _walk(folder / wanted)):
            if path is not None and suits(path):
                return path, None
        if ADDRESS.match(cleaned(name)):
            return folder / given, "; this is an address: save what is there as a file first"
        meant = _offer(folder, wanted, suits) if wanted.name else None
        if (folder / given).parent.is_dir():
            wanted = given  # as a new file would be called there
    except OSError as problem:  # no right to look, or a name that no system takes
        return folder / wanted, f" ({problem.strerror})"
    return folder / wanted, f"; did you mean '{meant}'?" if meant else ""


def _as_path(name):
    """A path from what was typed or pasted: the address of a file, ~, the other slash."""
    text = cleaned(name)
    if text.lower().startswith("file:"):
        text = cleaned(url2pathname(urlsplit(text).path))
    if os.sep == "/":
        text = text.replace("\\", "/")
    return _at_home(Path(text))


def _at_home(path):
    try:
        return path.expanduser()
    except RuntimeError:  # nobody of that name
        return path


def _walk(path):
    """The path on the disk whose every part looks like `path`'s; None if there is none, or two."""
    parts = path.absolute().parts
    there = Path(parts[0])
    for part in parts[1:]:
        if part == ".." or os.path.lexists(there / part):
            there = there / part
            continue
        alike = [entry for entry in _listed(there) if cleaned(entry) == cleaned(part)]
        if len(alike) != 1:
            return None
        there = there / alike[0]
    return there


def _offer(folder, wanted, suits):
    """A path to offer, as a person would type it: beside `wanted`, or in `folder`; or None."""
    beside = _walk((folder / wanted).parent)
    if beside is not None:
        meant = nearest(wanted.name, _suiting(beside, suits), alike=0.75)
        if meant:
            return (wanted.parent / meant).as_posix()
    # JupyterLab's "Copy Path" starts at the course's folder, a notebook at its own
    same = [name for name in _suiting(folder, suits) if _plain(name) == _plain(wanted.name)]
    return nearest(wanted.name, same)


def _suiting(folder, suits):
    return [name for name in _listed(folder) if suits(folder / name)]


def _plain(name):
    """A name without what tells two of the same thing apart."""
    text = unicodedata.normalize("NFKC", cleaned(name)).casefold()
    return COPY.sub("", ENDINGS.sub("", COPY.sub("", text)))


def _ratio(one, other):
    return difflib.SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def _listed(folder):
    """The names in a folder; none if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def is_clone():
    """Whether the course's folder is a clone, and git is installed."""
    return (ROOT / ".git").exists() and shutil.which("git") is not None


def how_to_restore(file, typed=False):
    """What brings a file or a folder of the course back, for the end of a message.

    file: as seen from the course's folder, with /. typed: whether a person may have typed in it.
    """
    first = "put it aside if you typed in it, then " if typed else ""
    if is_clone():
        return f"{first}restore it with `git checkout -- {file}` in the course's folder"
    return f"{first}take {file} from a fresh copy of the course"


def how_to_update(notebook):
    """How corrections come to a notebook in which a person has worked; "" if nobody has.

    notebook: its path. "" also where there is no clone or no git. Raises nothing.
    """
    if not is_clone() or not _is_changed(notebook):
        return ""
    return (
        f"{notebook.relative_to(ROOT).as_posix()} holds work of yours. To get corrections, stop "
        "JupyterLab, then\n  `git stash`, `git pull`, `git stash pop` in the course's folder: "
        'README.md, "Corrections"'
    )


def _is_changed(notebook):
    """Whether git knows a file and finds it changed; False if it cannot tell."""
    command = ["git", "--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--"]
    try:
        done = subprocess.run(
            [*command, str(notebook)], cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.stdout.strip())
