"""Semantic segmentation with small networks (L4.12, L4.13): FCN, U-Net, training, classes, things.

Pictures are (N, C, H, W) uint8, their sides multiples of 8; labels (N, H, W), the class of every
pixel; logits (N, K, H, W). Everything runs on the device where the model is.
"""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array, finite_number, whole_number
from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.pictures import require_finite
from course_utils.argument_checks.tensors import require_model_input
from course_utils.errors import ArgumentError
from course_utils.models import conv_norm
from course_utils.segmentation.upsampling import bilinear_kernel
from course_utils.training import mode, train

PREDICTED_AT_ONCE = 50  # pictures
SMOOTHING = 1.5  # pixels: the Gaussian of `separate`
MIN_DISTANCE = 5  # pixels between the maxima that it takes for two things


def fcn(classes=13, width=16, channels=3):
    """Fully convolutional network: scores of eighths of the picture, enlarged at once (L4.13).

    (N, channels, H, W) float32, 0 … 1 → (N, classes, H, W). Four 3 × 3 convolutions, three of
    stride 2, with width, 2, 4 and 4 times as many channels; 1 × 1 to the scores; one transposed
    convolution of stride 8 that starts as bilinear: FCN without its skips. Raises ArgumentError.
    Source: Long et al., arXiv:1411.4038.
    """
    classes, width, channels = _sizes(classes, width, channels)
    enlarge = nn.ConvTranspose2d(classes, classes, 16, stride=8, padding=4, bias=False)
    with torch.no_grad():  # each class by itself
        kernel = torch.tensor(bilinear_kernel(8), dtype=torch.float32)
        enlarge.weight.copy_(torch.eye(classes)[:, :, None, None] * kernel)
    return nn.Sequential(
        _block(channels, width, 2), _block(width, 2 * width, 2),
        _block(2 * width, 4 * width, 2), _block(4 * width, 4 * width),
        nn.Conv2d(4 * width, classes, 1), enlarge,
    )  # fmt: skip


class UNet(nn.Module):
    """U-Net: an encoder of three stages and a decoder with skip connections (L4.13).

    (N, channels, H, W) float32, 0 … 1 → (N, classes, H, W). Encoder: H/2, H/4, H/8 with width, 2
    and 4 times as many channels. Decoder: a transposed convolution doubles the map, the encoder's
    map of that size is concatenated, a 3 × 3 convolution mixes both; the last one makes the
    scores. stages: three modules as the encoder instead, of which copies are made, such as those of
    a trained `yolo_network`: (detector[:2], detector[2:8], detector[8:12]). Raises ArgumentError.
    Source: Ronneberger et al., arXiv:1505.04597.
    """

    def __init__(self, classes=13, width=16, channels=3, stages=None):
        super().__init__()
        classes, width, channels = _sizes(classes, width, channels)
        if stages is None:
            stages = (
                _block(channels, width, 2),
                nn.Sequential(nn.MaxPool2d(2), _block(width, 2 * width)),
                nn.Sequential(nn.MaxPool2d(2), _block(2 * width, 4 * width),
                              _block(4 * width, 4 * width)),
            )  # fmt: skip
        self.down = nn.ModuleList(copy.deepcopy(stage) for stage in _as_stages(stages))
        half, quarter, eighth = (_channels(stage) for stage in self.down)
        self.up_quarter = nn.ConvTranspose2d(eighth, quarter, 2, stride=2)
        self.mix_quarter = _block(2 * quarter, quarter)
        self.up_half = nn.ConvTranspose2d(quarter, half, 2, stride=2)
        self.mix_half = _block(2 * half, half)
        self.up_full = nn.ConvTranspose2d(half, classes, 2, stride=2)

    def forward(self, x):
        require_model_input("x", x, self, pixels=True)
        half = self.down[0](x)
        quarter = self.down[1](half)
        y = self.up_quarter(self.down[2](quarter))
        y = self.up_half(self.mix_quarter(torch.cat([y, quarter], dim=1)))
        return self.up_full(self.mix_half(torch.cat([y, half], dim=1)))


def fit_segmentation(model, images, labels, steps, batch_size=8, learning_rate=0.02,
                     class_weights=None, seed=0):  # fmt: skip
    """Train in place, as `training.train`; returns its list of losses.

    images: (N, C, H, W) uint8. labels: (N, H, W) whole numbers 0 … K − 1. steps: how many batches,
    out of an order that `seed` shuffles anew each time round. class_weights: (K,), the weight of
    each class in the cross-entropy; only their ratios matter. Raises ArgumentError.
    """
    steps = whole_number("steps", steps, 1)
    batch_size = whole_number("batch_size", batch_size, 1)
    learning_rate = finite_number("learning_rate", learning_rate)
    order = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    require_module("model", model)
    device = next(model.parameters()).device
    images = _as_pictures(images)
    labels = _as_labels(labels, images)
    weights = _as_weights(class_weights)
    span = [int(number) for number in labels.aminmax()]

    def loss_of(batch):
        logits = _logits(model, images[batch].to(device))
        wrong = [label for label in span if not 0 <= label < logits.shape[1]]
        if wrong:
            classes = f"0 … {logits.shape[1] - 1} for this model"
            raise ArgumentError(f"labels must be {classes}, found {wrong[0]}")
        truth = labels[batch].to(device).long()
        return functional.cross_entropy(logits, truth, _for_logits(weights, logits))

    return train(model, loss_of, _batches(len(images), batch_size, steps, order), learning_rate)


def _batches(count, size, steps, order):
    """The indices of each step, in a new order each time round, the shorter last batch first.

    No batch has a single picture, if there are more: batch normalisation needs two.
    """
    batches = []
    while len(batches) < steps:
        parts = list(torch.randperm(count, generator=order).split(size))
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [torch.cat(parts[-2:])]
        batches += reversed(parts)
    return batches[:steps]


def predict_classes(model, images, class_weights=None):
    """The likeliest class of every pixel: (N, C, H, W) uint8 → (N, H, W) uint8, NumPy.

    class_weights: (K,) with which the model was trained; its probabilities are divided by them,
    since it predicts a class that many times too often (arXiv:2007.07314). None: leave them.
    Works through the images 50 at a time, in evaluation mode, without gradients; the model is left
    in the mode it was in. Raises ArgumentError.
    """
    require_module("model", model)
    device = next(model.parameters()).device
    weights = _as_weights(class_weights)
    parts = []
    with mode(model, training=False), torch.inference_mode():
        for batch in _as_pictures(images).split(PREDICTED_AT_ONCE):
            logits = _logits(model, batch.to(device))
            if logits.shape[1] > 256:
                raise ArgumentError(f"model must have at most 256 classes, got {logits.shape[1]}")
            if weights is not None:
                logits = logits - _for_logits(weights, logits).log()[:, None, None]
            parts.append(logits.argmax(1).to(torch.uint8).cpu())
    return torch.cat(parts).numpy()


def random_crops(image, labels, count, size, seed=0):
    """Square parts of one picture at random places, turned by quarters, one in two mirrored.

    image: (H, W) uint8. labels: (H, W) whole numbers or bool. size: pixels a side. Returns images
    (count, 1, size, size) uint8 and labels (count, size, size) int64. Raises ArgumentError.
    """
    count = whole_number("count", count, 1)
    size = whole_number("size", size, 1)
    given, image = image, as_array("image", image)
    labels = as_array("labels", labels)
    if image.dtype != np.uint8 and image.ndim == 2 and image.size:
        require_finite("image", given, image)
        fix = advice.in_bytes("image", given, image)
        raise ArgumentError(f"image must be (H, W) uint8, got {_tell(image)}; use {fix}")
    if image.dtype != np.uint8 or image.ndim != 2 or image.shape != labels.shape:
        came = f"{_tell(image)} and labels {labels.shape}"
        raise ArgumentError(f"image must be (H, W) uint8, as large as the labels, got {came}")
    if labels.dtype.kind not in "biu":
        raise ArgumentError(f"labels must be whole numbers or bool, got {labels.dtype}")
    if size > min(image.shape):
        raise ArgumentError(f"size must be at most {min(image.shape)} pixels, got {size}")
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    both = np.stack([image, labels]).astype(int)  # so that they move together
    crops = []
    for _ in range(count):
        y, x = (rng.integers(side - size + 1) for side in image.shape)
        crop = np.rot90(both[:, y : y + size, x : x + size], rng.integers(4), axes=(1, 2))
        crops.append(crop[..., ::-1] if rng.integers(2) else crop)
    crops = torch.tensor(np.stack(crops))
    return crops[:, :1].to(torch.uint8), crops[:, 1]


def separate(mask):
    """Number the things in a mask and cut those that touch: (H, W) bool → (H, W) int32, 0 outside.

    Each thing is flooded from where it is thickest: maxima of the distance to the background,
    smoothed by a Gaussian of 1.5 pixels, at least 5 pixels from each other.
    Raises ArgumentError. Source: Vincent and Soille, IEEE PAMI 1991 (watershed).
    """
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    given, mask = mask, as_array("mask", mask)
    if mask.dtype != bool or mask.ndim != 2:
        fix = f"; use {advice.part('mask', given, ' == 1')}" if mask.ndim == 2 else ""
        raise ArgumentError(f"mask must be (H, W) bool, got {_tell(mask)}{fix}")
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), SMOOTHING)
    blobs, _ = ndimage.label(mask)
    tops = peak_local_max(depth, min_distance=MIN_DISTANCE, labels=blobs, exclude_border=False)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(tops.T)] = np.arange(1, len(tops) + 1)
    return watershed(-depth, seeds, mask=mask)


def _block(ins, outs, stride=1):
    return nn.Sequential(conv_norm(ins, outs, 3, stride), nn.SiLU())


def _channels(stage):
    """How many channels come out."""
    return [part for part in stage.modules() if isinstance(part, nn.Conv2d)][-1].out_channels


def _as_stages(stages):
    three = isinstance(stages, tuple | list) and len(stages) == 3
    if not three or not all(isinstance(stage, nn.Module) for stage in stages):
        raise ArgumentError(f"stages must be three modules, got {_tell(stages)}")
    return stages


def _sizes(classes, width, channels):
    sizes = {"classes": classes, "width": width, "channels": channels}
    return [whole_number(name, value, 1) for name, value in sizes.items()]


def _tell(value):
    if not hasattr(value, "dtype"):
        return f"a {type(value).__name__}"
    return f"{tuple(value.shape)} {value.dtype}"


def _logits(model, images):
    logits = model(images / 255)
    if logits.ndim != 4 or logits.shape[2:] != images.shape[2:]:
        came = f"{tuple(logits.shape)} for images {tuple(images.shape)}"
        raise ArgumentError(
            f"model must return logits (N, K, H, W) of the images' size, got {came}"
        )
    return logits


def _as_pictures(images):
    """A tensor, RGB last in memory: torch convolves that faster."""
    given = images
    if isinstance(images, np.ndarray):
        images = torch.from_numpy(as_array("images", images))
    known = isinstance(images, torch.Tensor) and images.dtype == torch.uint8
    if not known or images.ndim != 4 or 0 in images.shape:
        fix = ""
        if isinstance(images, torch.Tensor) and images.ndim == 4 and images.numel():
            array = as_array("images", images)
            require_finite("images", given, array)
            fix = f"; use {advice.in_bytes('images', given, array)}"
        raise ArgumentError(f"images must be (N, C, H, W) uint8, 0 … 255, got {_tell(images)}{fix}")
    if images.shape[2] % 8 or images.shape[3] % 8:
        second = advice.moved("images", given, 0, 3, 1, 2)
        hint = f"; use {second}" if images.shape[3] in (1, 3) else ""
        shape = tuple(images.shape)
        raise ArgumentError(f"images must have sides of 8, 16, … pixels, got {shape}{hint}")
    return images.contiguous(memory_format=torch.channels_last)


def _as_labels(labels, images):
    """A tensor of whole numbers, one a pixel."""
    array = as_array("labels", labels)
    wanted = (len(images), *images.shape[2:])
    if array.dtype.kind not in "iu":
        raise ArgumentError(f"labels must be whole numbers, got {array.dtype}")
    if array.shape != wanted:
        raise ArgumentError(f"labels must be {wanted} for these images, got {array.shape}")
    return torch.from_numpy(array if array.dtype == np.uint8 else array.astype(np.int64))


def _as_weights(value):
    if value is None:
        return None
    array = as_array("class_weights", value)
    if not np.isfinite(array).all() or (array <= 0).any():
        raise ArgumentError(f"class_weights must be above 0 and finite, got {array.tolist()}")
    return torch.as_tensor(array)


def _for_logits(weights, logits):
    """The class weights on the device of logits (N, K, H, W), after they were found to be K."""
    wanted = (logits.shape[1],)
    if weights is not None and weights.shape != wanted:
        raise ArgumentError(f"class_weights must be {wanted}, got {tuple(weights.shape)}")
    return None if weights is None else weights.to(logits)
