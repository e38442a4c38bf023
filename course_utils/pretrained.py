"""torchvision's detectors, trained on COCO's photos; fetched only when you ask for one by name.

    fetch_detector("mask_rcnn")  # once, with a network
    model, names = pretrained_detector("mask_rcnn")

The file's SHA-256 must begin as its name says, which torchvision's authors put there.
"""

import http.client

import torch
from torchvision.models import detection

from course_utils.downloads import keep_in
from course_utils.errors import DataError, require_option
from course_utils.files import find

DETECTORS = {  # name → (function, weights); 74 and 170 MB
    "faster_rcnn": (
        detection.fasterrcnn_mobilenet_v3_large_fpn,
        detection.FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1,
    ),
    "mask_rcnn": (
        detection.maskrcnn_resnet50_fpn,
        detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1,
    ),
}


def fetch_detector(name, folder=None):
    """Download the weights once; returns their file.

    name: "faster_rcnn" (MobileNet V3, 74 MB) or "mask_rcnn" (ResNet-50, 170 MB).
    folder: where to keep it; default: $COURSE_DOWNLOADS, else data/downloads in the course.
    The file is written under another name, checked, then moved to its place. Raises DataError in
    one sentence if there is no network or the bytes are not the right ones.
    """
    path, hint = _file(name, folder)
    if hint is None:
        return path
    url = DETECTORS[name][1].url
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rsplit("-", 1)[1])
    except (OSError, RuntimeError, http.client.HTTPException) as problem:  # network, place, bytes
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(
            f"{path.name} could not be fetched ({reason}): connect to a network and run this "
            f"again, or put the file from {url} into {path.parent}{hint}"
        ) from None
    return path


def pretrained_detector(name, folder=None):
    """The detector, in evaluation mode, and the names of its classes; None if it was not fetched.

    name, folder: as in `fetch_detector`. It takes a list of images (3, H, W) float32, 0 … 1, of any
    size, and returns for each a dict of "boxes", xyxy in pixels, "labels", "scores", and, Mask
    R-CNN, "masks" (N, 1, H, W), 0 … 1. Raises DataError for a damaged file.
    """
    path, hint = _file(name, folder)
    if hint is not None:
        return None
    build, weights = DETECTORS[name]
    model = build(weights=None, weights_backbone=None)
    try:
        arrays = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # of many kinds; some advise to trust the file, so none is quoted
        reason = type(problem).__name__
        raise DataError(f"{path} is damaged ({reason}); delete it and fetch it again") from None
    expected, found = list(model.state_dict()), list(arrays) if isinstance(arrays, dict) else []
    try:
        model.load_state_dict(arrays)
    except (RuntimeError, TypeError):
        raise DataError(
            f"{path} does not hold the weights of {name}: it starts with {found[:1]}, expected "
            f"{expected[:1]}; delete it and fetch it again"
        ) from None
    return model.eval(), weights.meta["categories"]


def _file(name, folder):
    require_option("name", name, list(DETECTORS))
    return find(DETECTORS[name][1].url.rsplit("/", 1)[1], folder=keep_in(folder))
