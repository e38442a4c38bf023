"""Full-size data sets, fetched only when you ask for one by name; no lesson needs them.

    root = fetch("cifar10")
    train = torchvision.datasets.CIFAR10(root, train=True)

Each archive is checked against its SHA-256 and unpacked beside its place, then moved there whole:
a cut connection, an interrupt or a login page leaves nothing behind.
"""

import gzip
import hashlib
import http.client
import os
import shutil
import tarfile
import time
import urllib.error
import urllib.request
import uuid
import zipfile
import zlib
from pathlib import Path, PureWindowsPath

from tqdm import tqdm

from course_utils.data import FOLDER
from course_utils.errors import DataError, require_option
from course_utils.files import cleaned, find

TIMEOUT = 30  # seconds without a byte
TRIES = 3
CUT = (http.client.HTTPException, ValueError)  # an answer that breaks off or makes no sense

_FASHION = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
_VOC = "https://thor.robots.ox.ac.uk/pascal/VOC/"

# name → ((address, SHA-256, folder to unpack into), …); the layout is the one torchvision reads
SETS = {
    "cifar10": (
        (
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            "",
        ),
    ),
    "fashion_mnist": tuple(
        (_FASHION + file, digest, "FashionMNIST/raw")
        for file, digest in (
            (
                "train-images-idx3-ubyte.gz",
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            (
                "train-labels-idx1-ubyte.gz",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        )
    ),
    "penn_fudan": (
        (
            "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip",
            "9095a9613c95586f1c7f2a327d454833d16e0f5e17e5f83d35027ffd315b48e2",
            "",
        ),
    ),
    "voc2007": (
        (
            _VOC + "voc2007/VOCtrainval_06-Nov-2007.tar",
            "7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508",
            "",
        ),
        (
            _VOC + "voc2007/VOCtest_06-Nov-2007.tar",
            "6836888e2e01dca84577a849d339fa4f73e1e4f135d312430c4856b5609b4892",
            "",
        ),
    ),
    "voc2012": (
        (
            _VOC + "voc2012/VOCtrainval_11-May-2012.tar",
            "e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
            "",
        ),
    ),
}


def downloaded(name, folder=None):
    """The folder that `fetch` returns for a data set, if it is there already, else None."""
    require_option("name", name, list(SETS))
    target = keep_in(folder) / name
    return target if target.is_dir() else None


def keep_in(folder=None):
    """Where downloads lie: `folder`, else $COURSE_DOWNLOADS, else data/downloads in the course."""
    folder = folder or os.environ.get("COURSE_DOWNLOADS") or FOLDER / "downloads"
    try:
        Path(cleaned(folder)).expanduser()
    except RuntimeError:
        raise DataError(f"{folder} names no home; set COURSE_DOWNLOADS to a whole path") from None
    return find(folder, Path.is_dir)[0]


def fetch(name, folder=None):
    """Fetch a full-size data set once; returns the folder to give to torchvision as `root`.

    name: "cifar10" (163 MiB), "fashion_mnist" (29 MiB), "penn_fudan" (51 MiB; PennFudanPed/ inside,
        torchvision has no class for it), "voc2007" (869 MiB) or "voc2012" (1.9 GiB).
    folder: where to keep it; default: $COURSE_DOWNLOADS, else data/downloads in the course.
    An archive of the right name that lies in `folder` already is used instead of the network.
    Raises DataError in one sentence if there is no network or the bytes are not the right ones.
    """
    require_option("name", name, list(SETS))
    if not hasattr(tarfile, "data_filter"):
        raise DataError(f"{name} is unpacked safely from Python 3.11.4 on; use a newer Python")
    folder = keep_in(folder)
    target, scratch = folder / name, folder / f".{name}-{uuid.uuid4().hex[:8]}"
    if target.is_dir():
        return target
    try:
        _make(scratch)
        _fill(name, scratch, target)
        shutil.rmtree(scratch, ignore_errors=True)
    except BaseException:  # also an interrupt, even while it cleans up
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return target


def _make(scratch):
    try:
        scratch.mkdir(parents=True)
    except OSError as problem:
        raise DataError(
            f"{scratch.parent} cannot be written ({problem.strerror}); set COURSE_DOWNLOADS to a "
            "folder that can"
        ) from None


def _fill(name, scratch, target):
    """Fetch and unpack in `scratch`, then move all of it to `target` at once."""
    folder = target.parent
    try:
        for url, digest, inside in SETS[name]:
            archive = _obtain(url, digest, folder, scratch)
            _unpack(archive, scratch / "ready" / inside)
            if archive.parent == scratch:
                archive.unlink()
        os.rename(scratch / "ready", target)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as problem:
        if isinstance(problem, DataError):
            raise
        if not target.is_dir():  # else another notebook was first, and its copy serves
            reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
            full = getattr(problem, "errno", None) is not None  # the disk's word, not the archive's
            cure = "set COURSE_DOWNLOADS to a folder with room" if full else "run this again"
            raise DataError(f"{name} could not be put into {folder} ({reason}); {cure}") from None


def _obtain(url, digest, folder, scratch):
    """The verified archive: the one in `folder` if it is right, else downloaded to `scratch`."""
    file = url.rsplit("/", 1)[1]
    by_hand, hint = find(file, folder=folder)
    if hint is None and _sha256(by_hand) == digest:
        return by_hand
    for attempt in range(1, TRIES + 1):
        try:
            _download(url, scratch / file)
            break
        except (urllib.error.URLError, TimeoutError, ConnectionError, *CUT) as problem:
            reason = getattr(problem, "reason", None) or problem
            final = isinstance(problem, urllib.error.HTTPError) and problem.code < 500
            if attempt == TRIES or final:
                raise DataError(
                    f"{file} could not be fetched ({reason}): connect to a network and run this "
                    f"again, or put the file from {url} into {folder}{hint}"
                ) from None
            time.sleep(attempt)
    if _sha256(scratch / file) != digest:
        raise DataError(
            f"{file} came with wrong bytes (a login page?) and was thrown away; run this again, "
            f"or put the file from {url} into {folder}{hint}"
        )
    return scratch / file


def _download(url, path):
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, open(path, "wb") as file:
        total = int(answer.headers.get("Content-Length") or 0) or None
        with tqdm(total=total, unit="B", unit_scale=True, desc=path.name, leave=False) as bar:
            while chunk := _read(answer):
                file.write(chunk)
                bar.update(len(chunk))
        if total and file.tell() < total:  # not the bar's count: bars may be switched off
            came = file.tell()
            raise ConnectionError(f"the connection was cut after {came:,} of {total:,} bytes")


def _read(answer):
    """The next piece. What goes wrong here is the network's fault, not the disk's."""
    try:
        return answer.read(1 << 16)
    except OSError as problem:
        raise ConnectionError(str(problem)) from None


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(archive, folder):
    """tar, tar.gz, zip or gz → folder; an archive with a member outside it is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    if archive.name.endswith((".tar", ".tar.gz")):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter=_inside)
    elif archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as members:
            for name in members.namelist():
                if _leads_outside(name):
                    raise zipfile.BadZipFile(f"{name!r} would be written outside")
            members.extractall(folder)
    else:
        with gzip.open(archive) as source, open(folder / archive.stem, "wb") as file:
            shutil.copyfileobj(source, file)


def _inside(member, folder):
    """tarfile's own filter, which would make an absolute name relative: here it is refused."""
    if _leads_outside(member.name):
        raise tarfile.OutsideDestinationError(member, member.name)
    return tarfile.data_filter(member, folder)


def _leads_outside(name):
    path = PureWindowsPath(name)  # knows drive letters, and both kinds of slashes
    return bool(path.anchor) or ".." in path.parts
