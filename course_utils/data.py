"""The course's data as arrays: one function per thing, each file checked against its SHA-256.

Nothing here writes or uses a network. Sources and licences: data/README.md.
"""

import functools
import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np

from course_utils.errors import DataError, require_option
from course_utils.files import ROOT, how_to_restore
from course_utils.image_files import decode_image

FOLDER = ROOT / "data"
MANIFEST = "SHA256SUMS"
FASHION_LABELS = (
    "T-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def load_mnist(split="train"):
    """Handwritten digits, in the original order (LeCun, Cortes, Burges 1998).

    split: "train" (60,000) or "test" (10,000).
    Returns images (N, 28, 28) uint8, 0 paper … 255 ink; labels (N,) uint8, 0 … 9.
    """
    require_option("split", split, ["train", "test"])
    arrays = _read_arrays("mnist/mnist_70k.npz")
    return arrays[f"{split}_images"], arrays[f"{split}_labels"]


def load_fashion_mnist(split="train"):
    """Clothes: the first 1,000 ("train") or 200 ("test") pictures of each of the ten classes.

    Returns images (N, 28, 28) uint8; labels (N,) uint8, names in FASHION_LABELS. All 70,000:
    `course_utils.downloads.fetch("fashion_mnist")`.
    """
    require_option("split", split, ["train", "test"])
    arrays = _read_arrays("fashion_mnist/fashion_mnist_12k.npz")
    return arrays[f"x_{split}"], arrays[f"y_{split}"]


def load_photo(name, longest_side=None):
    """A colour photo or painting of the course, (H, W, 3) uint8 RGB; names: `photo_names()`.

    longest_side: shrink so that neither side is longer, in pixels; None keeps it (≤ 640).
    """
    require_option("name", name, photo_names())
    return decode_image(
        read_checked(f"photos/{name}.jpg"), f"{name}.jpg", longest_side=longest_side
    )


def load_texture(name):
    """A gray texture, (512, 512) uint8: "brick", "grass" or "gravel"."""
    require_option("name", name, ["brick", "grass", "gravel"])
    file = f"texture_{name}.jpg"
    return decode_image(read_checked(f"photos/{file}"), file, gray=True)


def load_cutout(category, name):
    """A photographed object without its background, (H, W, 4) uint8 RGBA, at most 160 a side.

    category and name: a pair from `cutout_names()`. Licence: GPL-2.
    """
    from PIL import Image

    names = cutout_names()
    require_option("category", category, sorted(names))
    require_option("name", name, names[category])
    file = io.BytesIO(read_checked(f"cutouts/{category}/{name}.webp"))
    picture = Image.open(file, formats=("WEBP",))
    return np.array(picture.convert("RGBA"))


def load_nuclei():
    """One fluorescence photo of 125 cell nuclei (BBBC038, 2018 Data Science Bowl).

    Returns image (512, 512) uint8; mask (512, 512) uint8, 0 background, else the nucleus's id
    (ids are not consecutive).
    """
    arrays = _read_arrays("nuclei/dsb2018_nuclei_512.npz")
    return arrays["image"], arrays["mask"]


def load_weights(name):
    """Trained weights: dict of tensor name → float32 array.

    name: "vgg16" (ImageNet, up to conv4_1; keys of torchvision's vgg16().features[:19]),
    "efficientnet_lite0" (ImageNet-1k), "yolov3_tiny" (COCO; stored as int8 with a scale for each
    output channel, which are multiplied here), "person_segmentation" (MediaPipe's) or "lenet" (our
    own, MNIST: section 2.3's network, trained by tests/benchmarks/lenet_weights.py).
    """
    from safetensors.numpy import load

    files = {
        "vgg16": "weights/vgg16_conv4_1_hed_fp16.safetensors",
        "efficientnet_lite0": "weights/efficientnet_lite0_imagenet1k_fp16.safetensors",
        "yolov3_tiny": "weights/yolov3_tiny_coco_int8.safetensors",
        "lenet": "weights/lenet_mnist_fp16.safetensors",
        "person_segmentation": "weights/selfie_segmentation_fp16.safetensors",
    }
    require_option("name", name, list(files))
    tensors = load(read_checked(files[name]))
    scales = {key.removesuffix("scale"): tensors.pop(key) for key in list(tensors)
              if key.endswith(".scale")}  # fmt: skip
    arrays = {key: value.astype(np.float32) for key, value in tensors.items()}
    for layer, scale in scales.items():
        arrays[f"{layer}weight"] *= scale[:, None, None, None]
    return arrays


def photo_names():
    """The names that `load_photo` takes, sorted."""
    files = sorted(Path(file).stem for file in manifest() if file.startswith("photos/"))
    return [name for name in files if name != "CREDITS" and not name.startswith("texture_")]


def cutout_names():
    """Dict of category → sorted list of names, as `load_cutout` takes them."""
    names = {}
    for category, name, *_ in json.loads(read_checked("cutouts/INDEX.json")):
        names.setdefault(category, []).append(name)
    return {category: sorted(found) for category, found in names.items()}


def manifest():
    """Dict of file (relative to data/, with /) → SHA-256 hex, read from data/SHA256SUMS."""
    return dict(_parse_manifest(FOLDER))


@functools.cache
def _parse_manifest(folder):
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        if folder.is_dir():
            raise DataError(
                f"{folder / MANIFEST} is missing or damaged; {_fix(MANIFEST)}"
            ) from None
        fix = "run `uv sync` inside the course's folder"
        if (folder.parent / "notebooks").is_dir():  # it is the course's folder, without its data
            fix = how_to_restore(folder.name)
        raise DataError(f"the course's data are not at {folder}; {fix}") from None
    pairs = [re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line) for line in lines]
    if not pairs or not all(pairs):
        raise DataError(f"{folder / MANIFEST} is damaged; {_fix(MANIFEST)}")
    return {pair[2]: pair[1] for pair in pairs}


def _fix(file):
    return how_to_restore(f"data/{file}")


def check_all():
    """Check every file of data/ against the manifest; returns how many. Raises DataError."""
    for file in manifest():
        read_checked(file)
    return len(manifest())


def read_checked(file):
    """The bytes of one file of data/, after its SHA-256 was found right. Raises DataError."""
    expected = manifest().get(file)
    if expected is None:
        raise DataError(f"data/{MANIFEST} does not list {file}; {_fix(MANIFEST)}")
    try:
        data = (FOLDER / file).read_bytes()
    except OSError as problem:
        raise DataError(
            f"{FOLDER / file} cannot be read ({problem.strerror}); {_fix(file)}"
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise DataError(
            f"data/{file} is damaged: its SHA-256 is {found[:12]}…, expected {expected[:12]}…; "
            f"{_fix(file)}"
        )
    return data


def _read_arrays(file):
    with np.load(io.BytesIO(read_checked(file)), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
