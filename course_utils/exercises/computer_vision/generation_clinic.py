"""Exercises of chapter 4's clinic: labels that are resized, a GAN's losses, absent classes."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils.exercises.clinic import test_exercise
from course_utils.exercises.engine import (
    INDICES,
    Exercise,
    Unmeasurable,
    close,
    mistakes,
    not_a_number,
)

softplus = functional.softplus


# resize_labels
def _rows_and_columns(labels, height, width):
    """For each row and column of the result, the row and column of the map."""
    return tuple(
        np.arange(new) * old // new for new, old in zip((height, width), labels.shape, strict=True)
    )


def _resize_labels(labels, height, width):
    return labels[np.ix_(*_rows_and_columns(labels, height, width))]


def _interpolated(labels, height, width, mode="bilinear", whole=torch.round):
    """A mistake: class numbers are mixed as if they were brightness."""
    maps = torch.as_tensor(labels, dtype=torch.float64)[None, None]
    maps = functional.interpolate(maps, (height, width), mode=mode)
    return whole(maps)[0, 0].long().numpy()


def _most_probable(labels, height, width):
    """Right by its classes: one map for each class is interpolated, and the largest wins."""
    count = int(np.max(labels)) + 1
    maps = functional.one_hot(torch.as_tensor(labels).long(), count).permute(2, 0, 1)[None].double()
    maps = functional.interpolate(maps, (height, width), mode="bilinear")
    return maps.argmax(dim=1)[0].numpy()


def _one_class(labels, height, width):
    """A mistake: every pixel gets the class of the first one."""
    return np.full((height, width), labels[0, 0])


def _resize_labels_cases(rng):
    cases = [
        (np.array([[0, 9, 9], [9, 4, 0]]), 4, 6),
        (np.array([[0, 9, 9, 0, 4, 9], [9, 9, 0, 4, 0, 9], [9, 0, 4, 4, 9, 9]]), 2, 4),
    ]
    for shape, height, width in [((3, 5), 6, 10), ((8, 6), 4, 3), ((5, 7), 8, 4), ((4, 9), 7, 13),
                                 ((6, 4), 6, 4), ((12, 10), 5, 7), ((1, 3), 3, 8)]:  # fmt: skip
        cases.append((rng.choice([0, 3, 7, 12], shape), height, width))
    return cases + [(rng.choice([0, 300, 1202], (4, 7)), 6, 5)]  # some data sets have so many


_hint_resize_labels = mistakes(
    (_interpolated, "class numbers are still mixed: between 0 and 9 there is no class 4 or 5"),
    (lambda labels, h, w: _interpolated(labels, h, w, whole=torch.floor),
     "cutting the fraction off leaves mixed class numbers: they are names, not amounts"),
    (lambda labels, h, w: _interpolated(labels, h, w, whole=torch.ceil),
     "rounding up leaves mixed class numbers: they are names, not amounts"),
    (lambda labels, h, w: _interpolated(labels, h, w, "bicubic"),
     "bicubic interpolation mixes class numbers, too"),
    (lambda labels, h, w: _interpolated(labels, h, w, "area"),
     "a mean over an area mixes class numbers, too"),
    (lambda labels, h, w: _resize_labels(labels, w, h), "height and width are exchanged"),
    (lambda labels, h, w: labels, "the size has not changed"),
    (_most_probable,
     "no class is invented, but the nearest pixel is asked for, not the most probable class"),
)  # fmt: skip


# gan_losses
def _gan_losses(d, real, fakes):
    d_loss = softplus(-d(real)).mean() + softplus(d(fakes.detach())).mean()
    return d_loss, softplus(-d(fakes)).mean()


def _entropies(d, real, fakes):
    """The same by binary cross-entropies of the logits."""
    loss = functional.binary_cross_entropy_with_logits
    answers = d(real), d(fakes.detach()), d(fakes)
    of_real, of_fakes, wish = (
        loss(t, torch.full_like(t, label)) for t, label in zip(answers, (1, 0, 1), strict=True)
    )
    return of_real + of_fakes, wish


def _wrong_wish(d, real, fakes):
    """The fault: G's loss is low where D recognises the fakes."""
    return _gan_losses(d, real, fakes)[0], softplus(d(fakes)).mean()


def _attached(d, real, fakes):
    """A mistake: D's loss sends a gradient into the fakes."""
    d_loss = softplus(-d(real)).mean() + softplus(d(fakes)).mean()
    return d_loss, softplus(-d(fakes)).mean()


def _detached(d, real, fakes):
    """A mistake: G's loss sends no gradient into the fakes."""
    return _gan_losses(d, real, fakes)[0], softplus(-d(fakes.detach())).mean()


def _exchanged(d, real, fakes):
    d_loss = softplus(d(real)).mean() + softplus(-d(fakes.detach())).mean()
    return d_loss, softplus(-d(fakes)).mean()


def _without_real(d, real, fakes):
    return softplus(d(fakes.detach())).mean(), softplus(-d(fakes)).mean()


def _negative(d, real, fakes):
    """A mistake: G's loss is minus that of D, which is flat where D recognises the fakes."""
    return _gan_losses(d, real, fakes)[0], -softplus(d(fakes)).mean()


def _judge(size):
    """A discriminator with the same weights each time."""
    draw = torch.Generator().manual_seed(size)
    d = nn.Sequential(nn.Linear(size, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    with torch.no_grad():
        for parameter in d.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw, dtype=torch.float64))
    return d


def _losses_and_slopes(losses):
    """function (d, real, fakes) → function (real, fakes) → both losses, and their gradients.

    The numbers: D's loss, G's, the gradient of D's loss in the fakes, of G's in the fakes, of D's
    in D's weights.
    """

    def measured(real, fakes):
        d = _judge(real.shape[1])
        real, fakes = torch.tensor(real), torch.tensor(fakes, requires_grad=True)
        told = losses(d, real, fakes)
        if not isinstance(told, tuple | list) or len(told) != 2:
            raise Unmeasurable("two losses are wanted: that of D, then that of G")
        for loss in told:
            if not isinstance(loss, torch.Tensor) or loss.shape != ():
                raise Unmeasurable("each loss has to be a tensor of one number: `.mean()`")
        slopes = [_slope(told[0], [fakes]), _slope(told[1], [fakes])]
        slopes.append(_slope(told[0], list(d.parameters())))
        return torch.cat([torch.stack([loss.detach() for loss in told]), *slopes]).numpy()

    return measured


def _slope(loss, inputs):
    """The gradient as one row; 0 where none arrives."""
    if not loss.requires_grad:
        return torch.cat([torch.zeros_like(x).flatten() for x in inputs])
    found = torch.autograd.grad(loss, inputs, retain_graph=True, materialize_grads=True)
    return torch.cat([x.flatten() for x in found])


def _right_losses(*arguments):
    """From data alone: what is measured; from a discriminator and data: the losses themselves."""
    if len(arguments) == 2:
        return _losses_and_slopes(_gan_losses)(*arguments)
    return _gan_losses(*arguments)


def _gan_losses_cases(rng):
    cases = [(np.array([[1.0], [3]]), np.array([[0.0], [-1], [2]]))]
    for size, reals, fakes in [(2, 3, 4), (1, 5, 2), (3, 2, 6), (4, 7, 3), (2, 1, 1), (1, 12, 9),
                               (5, 8, 8)]:  # fmt: skip
        cases.append((rng.normal(1, 1, (reals, size)), rng.normal(0, 2, (fakes, size))))
    return cases


_hint_gan_losses = mistakes(
    *((lambda x, z, losses=losses: _losses_and_slopes(losses)(x, z), said) for losses, said in (
        (_wrong_wish, "G's loss is still low where D recognises the fakes"),
        (_attached, "the losses are right, but D's loss sends a gradient into the fakes"),
        (_detached, "the losses are right, but no gradient of G's loss reaches the fakes"),
        (_exchanged, "D learns the wrong way round: real and generated are exchanged"),
        (_without_real, "D's loss forgets the real data"),
        (_negative, "minus D's loss is nearly flat where D recognises the fakes; see 4.17"),
    ))
)  # fmt: skip


# mean_iou_of_counts
def _ious(counts):
    hits = counts.diagonal()
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    return hits / np.maximum(union, 1), union


def _mean_iou_of_counts(counts, seen=lambda counts, union: union > 0):
    """seen: which classes take part; all but those of the reference are mistakes."""
    values, union = _ious(counts)
    return values[seen(counts, union)].mean()


def _absent_as(value):
    """A mistake: a class that is nowhere counts as `value`."""

    def program(counts):
        values, union = _ious(counts)
        return np.where(union > 0, values, value).mean()

    return program


def _by_nanmean(counts):
    with np.errstate(invalid="ignore"):
        hits = counts.diagonal()
        return np.nanmean(hits / (counts.sum(axis=0) + counts.sum(axis=1) - hits))


def _by_loop(counts):
    values = []
    for i in range(len(counts)):
        union = counts[i].sum() + counts[:, i].sum() - counts[i, i]
        if union:
            values.append(counts[i, i] / union)
    return sum(values) / len(values)


def _true_classes(counts):
    return _mean_iou_of_counts(counts, lambda counts, _: counts.sum(axis=1) > 0)


def _hit_classes(counts):
    return _mean_iou_of_counts(counts, lambda counts, _: counts.diagonal() > 0)


def _told_classes(counts):
    return _mean_iou_of_counts(counts, lambda counts, _: counts.sum(axis=0) > 0)


def _accuracy(counts):
    return counts.trace() / counts.sum()


def _mean_iou_of_counts_cases(rng):
    missed = np.zeros((5, 5), int)  # 0 and 4 are missed, 2 is only predicted, 3 is nowhere
    missed[0, 1:3], missed[1, 1], missed[4, 1] = (2, 1), 5, 1
    cases = [
        (np.array([[3, 1, 0], [2, 4, 0], [0, 0, 0]]),),
        (missed,),
    ]
    for classes, there in [(4, 3), (5, 5), (7, 3), (13, 6), (2, 1), (9, 4), (6, 5)]:
        seen = rng.permutation(classes)
        true, told = seen[:there], seen[max(there - 2, 0) : there + 1]
        counts = np.zeros((classes, classes), int)
        counts[true, true] = rng.integers(5, 40, len(true))
        counts[np.ix_(true, told)] += rng.integers(0, 9, (len(true), len(told)))
        if there > 4:  # one is missed
            counts[true[0], told[0]] += counts[true[0], true[0]]
            counts[:, true[0]] = 0
        cases.append((counts,))
    return cases


_hint_mean_iou_of_counts = mistakes(
    (_absent_as(0), "a class that is nowhere still counts as 0"),
    (_absent_as(1), "a class that is nowhere counts as 1: a picture with few classes is a gift"),
    (_true_classes, "a class that is only predicted is left out now; it is a mistake and counts"),
    (_told_classes, "a class that is never predicted is left out now; it was missed and counts"),
    (_hit_classes, "every class without a hit is left out now; one that was missed counts, with 0"),
    (_accuracy, "that is the pixel accuracy: large classes decide it"),
)  # fmt: skip


def _hint_one_number(got, wanted, arguments):
    there = _ious(*arguments)[1] > 0
    if got.shape == there.shape and close(got[there].mean(), wanted):
        return "that is one number a class; their mean is wanted"


EXERCISES = {
    "test_resized": test_exercise(
        right=[_resize_labels, _most_probable, lambda *a: _interpolated(*a, mode="nearest-exact")],
        wrong={
            "mixes class numbers and rounds them (bilinear)": _interpolated,
            "mixes class numbers and cuts the fraction off": lambda *a: _interpolated(
                *a, whole=torch.floor
            ),
            "exchanges height and width": lambda labels, h, w: _resize_labels(labels, w, h),
            "gives every pixel the class of the first one": _one_class,
        },
        verified="three right programs pass, four wrong ones do not",
        steps=(
            "Which classes may the result have? `np.unique` of the map tells, and `np.isin` asks "
            "it of every pixel.",
            "Choose a map with two classes that are not neighbours, such as 0 and 9, and a size "
            "with another height than width. Both classes should be in the result.",
        ),
    ),
    "resize_labels": Exercise(
        reference=_resize_labels,
        cases=_resize_labels_cases,
        verified="larger, smaller, and as large as before",
        hints=[_hint_resize_labels],
        whole=INDICES,
        level=2,
        minutes=8,
        steps=(
            "Nothing may be computed from class numbers. Every pixel of the result *takes* one "
            "pixel of the map.",
            "Which row of the map does row i of the result take, if the result is twice as high? "
            "And if it is height rows high? Two lists of indices are enough (`np.ix_`).",
        ),
    ),
    "test_gan_losses": test_exercise(
        right=[_gan_losses, _entropies],
        wrong={
            "trains G to be recognised": _wrong_wish,
            "sends a gradient of D's loss into the fakes": _attached,
            "sends no gradient of G's loss into the fakes": _detached,
            "rewards D for taking fakes for real": _exchanged,
            "forgets the real data in D's loss": _without_real,
        },
        errors={
            "does not require grad": "`backward` is an error for a loss that sends no gradient: "
            "ask its `requires_grad` first"
        },
        verified="two right programs pass, five wrong ones do not",
        level=3,
        minutes=15,
        steps=(
            "With `lambda x: x` as the discriminator the data are its logits. So fakes of +5 are "
            "taken for real, and fakes of −5 are recognised. Which loss should be lower where?",
            "Fakes with `requires_grad=True` get a gradient only from a loss that may move G. "
            "`torch.autograd.grad(loss, fakes, allow_unused=True)` gives None where none arrives; "
            "a loss whose `requires_grad` is False has no gradient at all.",
        ),
    ),
    "gan_losses": Exercise(
        reference=_right_losses,
        cases=_gan_losses_cases,
        verified="both losses, and which of them moves what",
        hints=[_hint_gan_losses],
        wrap=_losses_and_slopes,
        level=2,
        minutes=8,
        steps=(
            "Read each of the three terms aloud: for which answer of D is it small? softplus(−t) "
            "is small where D says 'real'.",
            "D wants 'real' for real data and 'generated' for fakes. What does G want D to say "
            "about the fakes? Keep the `detach` where it is.",
        ),
    ),
    "test_mean_of_ious": test_exercise(
        right=[_mean_iou_of_counts, _by_nanmean, _by_loop],
        wrong={
            "counts a class that is nowhere as 0": _absent_as(0),
            "counts a class that is nowhere as 1": _absent_as(1),
            "leaves out a class that is only predicted": _true_classes,
            "leaves out a class that is never predicted": _told_classes,
            "gives the pixel accuracy": _accuracy,
        },
        verified="three right programs pass, five wrong ones do not",
        steps=(
            "Begin with a perfect prediction: all counts on the diagonal, and one class without a "
            "pixel. What has to come out?",
            "A second matrix by hand, 3 × 3 or 4 × 4, with a class that is only predicted, one "
            "that is only in the truth, and one that is nowhere. Compute its mean IoU on paper.",
        ),
    ),
    "mean_iou_of_counts": Exercise(
        reference=_mean_iou_of_counts,
        cases=_mean_iou_of_counts_cases,
        verified="2 to 13 classes; missed, only predicted, nowhere",
        hints=[not_a_number, _hint_mean_iou_of_counts, _hint_one_number],
        level=2,
        minutes=8,
        steps=(
            "A class is nowhere if neither its row nor its column has a pixel. What is its union "
            "then?",
            "Compute the IoU only for classes whose union is above 0, and take the mean over "
            "these; or let the others be NaN, and choose a mean that leaves NaN out.",
        ),
    ),
}
