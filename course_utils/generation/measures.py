"""How good generated pictures are: readable, of every class, new, and different (L4.16, L4.17).

None of these sees whether a picture is beautiful; together they see what a loss does not.
"""

import torch

from course_utils.arguments.arrays import whole_number
from course_utils.arguments.tensors import look_at_pixels, require_floats, require_model_input
from course_utils.errors import ArgumentError
from course_utils.training import mode

LEAST = 0.1  # a class is covered from this part of an even share on


def judge_pictures(classifier, pictures, labels=None, sure=0.9):
    """What a classifier says of pictures, a dict of numbers.

    classifier: a torch module (N, C, H, W) → logits (N, K). pictures: as it reads them, float32.
    labels: (N,) that were asked for, if any. sure: a probability.
    "confident": the share of pictures, 0 … 1, whose best class has more than that probability.
    "match": the share whose best class is the label (only with labels).
    "shares": (K,) list, the share of pictures of each class. "covered": how many classes have at
    least a tenth of an even share, 1 / K. Raises ArgumentError.
    """
    require_model_input("pictures", pictures, classifier, pixels=True)
    if not len(pictures):
        raise ArgumentError("pictures must be one or more, got none")
    look_at_pixels("pictures", pictures, 2)
    if not 0 < sure < 1:
        raise ArgumentError(f"sure must be between 0 and 1, got {sure!r}")
    device = next(classifier.parameters()).device
    with mode(classifier, training=False), torch.inference_mode():
        parts = [classifier(part.to(device)).softmax(dim=1).cpu() for part in pictures.split(1000)]
    best, kinds = torch.cat(parts).max(dim=1)
    shares = kinds.bincount(minlength=parts[0].shape[1]) / len(kinds)
    result = {
        "confident": (best > sure).float().mean().item(),
        "shares": shares.tolist(),
        "covered": int((shares >= LEAST / len(shares)).sum()),
    }
    if labels is not None:
        labels = torch.as_tensor(labels).cpu()
        if labels.shape != kinds.shape:
            wanted = f"labels must be {len(kinds)}, one for each picture"
            raise ArgumentError(f"{wanted}, got {tuple(labels.shape)}")
        result["match"] = (kinds == labels).float().mean().item()
    return result


def nearest(pictures, training, piece=256):
    """The training picture that is nearest to each picture: (indices, distances), each (N,).

    pictures: (N, …), training: (M, …) float tensors of the same shape of picture. The distance is
    the root of the mean squared difference of the pixels, in the pictures' unit; of equally near
    ones the first is named. piece: how many pictures are compared at once.
    """
    require_floats("pictures", pictures)
    require_floats("training", training, pictures.dtype)
    if pictures.shape[1:] != training.shape[1:] or not len(training):
        raise ArgumentError(
            "pictures and training must show pictures of one shape, "
            f"got {tuple(pictures.shape)} and {tuple(training.shape)}"
        )
    piece = whole_number("piece", piece, 1)
    flat = training.flatten(1)
    middle = flat.mean(dim=0)  # the quick formula is exact only near 0
    centred = flat - middle
    lengths, found = (centred**2).sum(dim=1), []
    for part in pictures.flatten(1).split(piece):
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
