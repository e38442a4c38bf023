"""Data sets and trained detectors of full size, fetched only when you ask for one by name.

    root = fetch("cifar10")  # once, with a network
    train = torchvision.datasets.CIFAR10(root, train=True)

    fetch_detector("mask_rcnn")  # once, with a network
    model, names = pretrained_detector("mask_rcnn")

pooch fetches the data sets: each archive is checked against its SHA-256 and unpacked beside its
place, then moved there whole, so that a cut connection, an interrupt or a login page leaves nothing
behind. torchvision fetches its own weights: their SHA-256 must begin as the file's name says.
"""

import gzip
import http.client
import os
import shutil
import tarfile
import uuid
import zipfile
import zlib
from pathlib import Path

import pooch

from course_utils.data import FOLDER
from course_utils.errors import DataError, require_option
from course_utils.files import cleaned, find

TIMEOUT_S = 30  # longest wait without a byte
RETRIES = 2

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
    target = folder / name
    scratch = folder / f".{name}-{uuid.uuid4().hex[:8]}"
    if target.is_dir():
        return target
    try:
        _fill(name, scratch, target)
        shutil.rmtree(scratch, ignore_errors=True)
    except BaseException:  # also an interrupt, even while it cleans up
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return target


def _fill(name, scratch, target):
    """Fetch and unpack in `scratch`, then move all of it to `target` at once."""
    folder = target.parent
    try:
        scratch.mkdir(parents=True)
        for url, digest, inside in SETS[name]:
            archive = _obtain(url, digest, folder, scratch)
            _unpack(archive, scratch / "ready" / inside)
            if archive.parent == scratch:
                archive.unlink()
        os.rename(scratch / "ready", target)
    except DataError:
        raise
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as problem:
        if not target.is_dir():  # else another notebook was first, and its copy serves
            of_disk = getattr(problem, "errno", None) is not None
            fix = "set COURSE_DOWNLOADS to a folder with room that you may write"
            raise DataError(
                f"{name} could not be put into {folder} ({_reason(problem)}): "
                f"{fix if of_disk else 'run this again'}"
            ) from None


def _obtain(url, digest, folder, scratch):
    """The verified archive: the one in `folder` if it is right, else fetched into `scratch`."""
    from requests import RequestException

    file = url.rsplit("/", 1)[1]
    by_hand, hint = find(file, folder=folder)
    if hint is None and pooch.file_hash(by_hand) == digest:
        return by_hand
    fix = f"run this again, or put the file from {url} into {folder}{hint or ''}"
    store = pooch.create(scratch, "", registry={file: digest}, urls={file: url},
                         retry_if_failed=RETRIES)  # fmt: skip
    get = pooch.HTTPDownloader(progressbar=True, chunk_size=2**16, timeout=TIMEOUT_S)
    try:
        return Path(store.fetch(file, downloader=get))
    except RequestException as problem:
        raise DataError(
            f"{file} could not be fetched ({_reason(problem)}): connect to a network and {fix}"
        ) from None
    except ValueError:  # pooch's word for another SHA-256
        raise DataError(
            f"{file} came with wrong bytes (a login page?) and was thrown away; {fix}"
        ) from None


def _unpack(archive, folder):
    """tar, tar.gz, zip or gz → folder; tarfile and zipfile let no member out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    if archive.name.endswith((".tar", ".tar.gz")):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    elif archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as members:
            members.extractall(folder)
    else:
        with gzip.open(archive) as source, open(folder / archive.stem, "wb") as file:
            shutil.copyfileobj(source, file)


def _reason(problem):
    """The first cause of an error in a few words, without those that libraries wrapped around."""
    while problem.__context__ is not None:
        problem = problem.__context__
    said = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return said.splitlines()[0]


DETECTORS = {  # name → torchvision's name
    "faster_rcnn": "fasterrcnn_mobilenet_v3_large_fpn",
    "mask_rcnn": "maskrcnn_resnet50_fpn",
}


def fetch_detector(name, folder=None):
    """Download a detector's weights, trained on COCO's photos, once; returns their file.

    name: "faster_rcnn" (MobileNet V3, 74 MB) or "mask_rcnn" (ResNet-50, 170 MB).
    folder: where to keep it; default: $COURSE_DOWNLOADS, else data/downloads in the course.
    The file is written under another name, checked, then moved to its place. Raises DataError in
    one sentence if there is no network or the bytes are not the right ones.
    """
    path, hint = _weights_file(name, folder)
    if hint is None:
        return path
    _, weights = _torchvision(name)
    try:
        weights.get_state_dict(check_hash=True, weights_only=True, model_dir=path.parent)
    except (OSError, RuntimeError, http.client.HTTPException) as problem:  # network, place, bytes
        raise DataError(
            f"{path.name} could not be fetched ({_reason(problem)}): connect to a network and run "
            f"this again, or put the file from {weights.url} into {path.parent}{hint}"
        ) from None
    return path


def pretrained_detector(name, folder=None):
    """The detector, in evaluation mode, and the names of its classes; None if it was not fetched.

    name, folder: as in `fetch_detector`. It takes a list of images (3, H, W) float32, 0 … 1, of any
    size, and returns for each a dict of "boxes", xyxy in pixels, "labels", "scores", and, Mask
    R-CNN, "masks" (N, 1, H, W), 0 … 1. Raises DataError for a file that holds something else.
    """
    path, hint = _weights_file(name, folder)
    if hint is not None:
        return None
    build, weights = _torchvision(name)
    try:
        arrays = weights.get_state_dict(
            model_dir=path.parent, file_name=path.name, map_location="cpu", weights_only=True
        )
        model = build(weights=None, weights_backbone=None)
        model.load_state_dict(arrays)
    except Exception as problem:  # of many kinds; some advise to trust the file, so none is quoted
        raise DataError(
            f"{path} does not hold the weights of {name} ({type(problem).__name__}): "
            "delete it and fetch it again"
        ) from None
    return model.eval(), weights.meta["categories"]


def _weights_file(name, folder):
    require_option("name", name, list(DETECTORS))
    _, weights = _torchvision(name)
    return find(weights.url.rsplit("/", 1)[1], folder=keep_in(folder))


def _torchvision(name):
    """The function that builds a detector, and its weights; torch is loaded only here."""
    from torchvision import models

    builder = DETECTORS[name]
    return models.get_model_builder(builder), models.get_model_weights(builder).COCO_V1
