"""How good generated pictures are: readable, of every class, new, and different (L4.16, L4.17).

None of these measures beauty; together they show what a loss does not.
"""

import torch

from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.tensors import require_floats, require_pixels
from course_utils.errors import ArgumentError
from course_utils.training import mode

COVERED = 0.1  # a class is covered from this part of an even share on
CONFIDENT = 0.9  # a probability above this one
COMPARED_AT_ONCE = 256  # pictures


def judge_pictures(classifier, pictures, labels=None):
    """What a classifier predicts for pictures, a dict of numbers.

    classifier: a torch module (N, C, H, W) → logits (N, K). pictures: as it reads them, float32.
    labels: (N,) that were requested, if any.
    "confident": the share of pictures, 0 … 1, whose best class has a probability above 0.9.
    "match": the share whose best class is the label (only with labels).
    "shares": (K,) list, the share of pictures of each class. "covered": how many classes have at
    least a tenth of an even share, 1 / K. Raises ArgumentError.
    """
    require_module("classifier", classifier)
    require_pixels("pictures", pictures, classifier)
    if not len(pictures):
        raise ArgumentError("pictures must be one or more, got none")
    device = next(classifier.parameters()).device
    with mode(classifier, training=False), torch.inference_mode():
        parts = [classifier(part.to(device)).softmax(dim=1).cpu() for part in pictures.split(1000)]
    best, predicted = torch.cat(parts).max(dim=1)
    shares = predicted.bincount(minlength=parts[0].shape[1]) / len(predicted)
    result = {
        "confident": (best > CONFIDENT).float().mean().item(),
        "shares": shares.tolist(),
        "covered": int((shares >= COVERED / len(shares)).sum()),
    }
    if labels is not None:
        labels = torch.as_tensor(labels).cpu()
        if labels.shape != predicted.shape:
            wanted = f"labels must be {len(predicted)}, one for each picture"
            raise ArgumentError(f"{wanted}, got {tuple(labels.shape)}")
        result["match"] = (predicted == labels).float().mean().item()
    return result


def nearest(pictures, training):
    """The training picture that is nearest to each picture: (indices, distances), each (N,).

    pictures: (N, …), training: (M, …) float tensors of the same shape of picture. The distance is
    the root of the mean squared difference of the pixels, in the pictures' unit; of equally near
    ones the first counts. Raises ArgumentError.
    """
    require_floats("pictures", pictures)
    require_floats("training", training, dtype=pictures.dtype)
    if pictures.shape[1:] != training.shape[1:] or not len(training):
        raise ArgumentError(
            "pictures and training must show pictures of one shape, "
            f"got {tuple(pictures.shape)} and {tuple(training.shape)}"
        )
    flat = training.flatten(1)
    middle = flat.mean(dim=0)  # the quick formula is exact only near 0
    centred = flat - middle
    lengths = (centred**2).sum(dim=1)
    found = []
    for part in pictures.flatten(1).split(COMPARED_AT_ONCE):
        rough = lengths - 2 * (part - middle) @ centred.T
        near = rough.topk(min(8, len(flat)), largest=False).indices.sort(dim=1).values
        exact = torch.stack([((part - flat[k]) ** 2).sum(dim=1) for k in near.T], dim=1)
        found.append(near.gather(1, exact.argmin(dim=1, keepdim=True))[:, 0])
    index = torch.cat(found) if found else torch.zeros(0, dtype=torch.long)
    gaps = (pictures.flatten(1) - flat[index]) ** 2
    return index, gaps.mean(dim=1).sqrt()


def spread(pictures):
    """The mean distance of two of the pictures, as `nearest` measures it; a float.

    pictures: (N, …) float tensor, N from 2.
    """
    require_floats("pictures", pictures)
    if len(pictures) < 2:
        raise ArgumentError(f"pictures must be two or more, got {len(pictures)}")
    flat = pictures.flatten(1)
    return (torch.pdist(flat).mean() / flat.shape[1] ** 0.5).item()
