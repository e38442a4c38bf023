"""Exercises of chapter 3: pictures changed, and pictures described (3.5, 3.14)."""

import numpy as np

from course_utils.data import load_photo
from course_utils.exercises.engine import INDICES, Exercise, mistakes
from course_utils.exercises.results import as_numbers
from course_utils.figures import show_row


# crop_padded
def _crop_padded(images, offsets, padding, mode="constant"):
    pads = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    large = np.pad(images, pads, mode=mode)
    h, w = images.shape[2:]
    return np.stack([
        picture[:, row : row + h, column : column + w]
        for picture, (row, column) in zip(large, offsets, strict=True)
    ])  # fmt: skip


def _crop_padded_cases(rng):
    cases = [(np.arange(1.0, 7).reshape(1, 1, 2, 3), np.array([[0, 1]]), 1),
             (np.arange(1.0, 13).reshape(2, 1, 3, 2), np.array([[1, 0], [2, 1]]), 1)]  # fmt: skip
    for n, c, h, w, padding in [(3, 2, 4, 5, 2), (4, 3, 6, 4, 2), (2, 5, 3, 7, 3), (5, 1, 8, 6, 4),
                                (3, 4, 5, 9, 1), (6, 2, 7, 3, 2), (2, 3, 4, 6, 5)]:  # fmt: skip
        images = rng.normal(size=(n, c, h, w)) * 3
        cases.append((images, rng.integers(0, 2 * padding + 1, (n, 2)), padding))
    return cases


_hint_crop_padded = mistakes(
    (lambda x, o, p: _crop_padded(x, o[:, ::-1], p),
     "an offset is (row, column): the two are exchanged"),
    (lambda x, o, p: _crop_padded(x, 2 * p - o, p),
     "the pictures move the other way: an offset says where the *window* begins"),
    (lambda x, o, p: _crop_padded(x, 0 * o + o[:1], p),
     "each picture has an offset of its own; here the first one's counts for all"),
    (lambda x, o, p: _crop_padded(x, o, p, "edge"), "the border is 0, not the edge repeated"),
    (lambda x, o, p: _crop_padded(x, o, p, "reflect") if p < min(x.shape[2:]) else np.nan,
     "the border is 0, not mirrored"),
    (lambda x, o, p: _crop_padded(x, 0 * o + p, p), "the offsets have no effect"),
)  # fmt: skip


def _hint_crop_shape(got, wanted, arguments):
    images, _, padding = arguments
    h, w = images.shape[2:]
    if got.shape == (*images.shape[:2], h + 2 * padding, w + 2 * padding):
        return "the padded pictures are larger; a window of the old size is wanted"
    if got.ndim == 4 and got.shape[2:] == (w, h) and h != w:
        return "height and width of the window are exchanged"


def _look_at_crops(answer):
    """The answer on a photo, for six offsets."""
    photo = load_photo("cat_chelsea", 90).transpose(2, 0, 1)[None] / 255
    offsets = np.array([[0, 0], [0, 20], [0, 40], [40, 0], [20, 20], [40, 40]])
    moved = as_numbers(answer(photo.repeat(6, axis=0), offsets, 20))[0].clip(0, 1)
    titles = [f"offset ({row}, {column})" for row, column in offsets]
    show_row(
        list(zip(titles, moved.transpose(0, 2, 3, 1), strict=True)), photo=True, width=9, columns=3
    )


# nearest_mean
def _standard(x, by):
    return (x - by.mean(axis=0)) / by.std(axis=0)


def _nearest_mean(train, labels, test, by=None, own=False, far=False, example=False, place=False):
    """by: standardises the pictures, own: new ones by themselves; all are mistakes."""
    by = train if by is None else by
    seen, new = _standard(train, by), _standard(test, test if own else by)
    kinds = np.unique(labels)
    means = np.stack([seen[labels == kind].mean(axis=0) for kind in kinds])
    apart = ((new[:, None] - (seen if example else means)) ** 2).sum(axis=2)
    best = apart.argmax(axis=1) if far else apart.argmin(axis=1)
    return best if place else (labels if example else kinds)[best]


def _features(rng, count, kinds, size, tests):
    """Features of classes that overlap, of very different ranges; no test is nearly a tie."""
    scale, bright = np.exp(rng.uniform(-2.5, 1, size)), rng.normal(size=size)
    centres, names = rng.normal(size=(kinds, size)), np.sort(rng.choice(1000, kinds, False))
    own = np.concatenate([np.arange(kinds), rng.integers(kinds, size=count - kinds)])
    train = centres[own] + rng.normal(size=(count, size))
    test = centres[rng.integers(kinds, size=4 * tests)] + 0.6 + rng.normal(size=(4 * tests, size))
    train, test = (x * scale + bright for x in (train, test))
    seen, new = _standard(train, train), _standard(test, train)
    means = np.stack([seen[own == kind].mean(axis=0) for kind in range(kinds)])
    near = np.sort(((new[:, None] - means) ** 2).sum(axis=2), axis=1)
    return train, names[own], test[near[:, 1] > 1.1 * near[:, 0]][:tests]


def _nearest_mean_cases(rng):
    small = np.array([[0.0, 0], [2, 10], [8, 0], [10, 30]]), np.array([3, 3, 700, 700])
    cases = [(*small, np.array([[2.0, 20], [9, 4], [4, 40]]))]
    for settings in [(5, 2, 9, 4), (9, 2, 3, 4), (12, 3, 2, 7), (20, 4, 6, 9), (15, 5, 8, 12),
                     (30, 3, 12, 16), (25, 4, 5, 20), (60, 6, 10, 30)]:  # fmt: skip
        cases.append(_features(rng, *settings))
    return cases


_hint_nearest_mean = mistakes(
    (lambda *a: _nearest_mean(*a, own=True),
     "the test features are standardised by their own mean and deviation; at the training they "
     "were not there"),
    (lambda *a: _nearest_mean(*a, by=np.concatenate([a[0], a[2]])),
     "the test features take part in the mean and the deviation"),
    (lambda *a: _nearest_mean(*a, by=np.array([[-1.0], [1.0]])),
     "nothing is standardised: the features with the largest numbers decide alone"),
    (lambda *a: _nearest_mean(*a, far=True), "that is the mean that is *farthest*"),
    (lambda *a: _nearest_mean(*a, place=True),
     "that is the place of the class among the classes; its number is wanted"),
    (lambda *a: _nearest_mean(*a, example=True),
     "that is the label of the nearest *picture*; compare with the means of the classes"),
)  # fmt: skip


def _hint_one_each(got, wanted, arguments):
    if got.shape != wanted.shape:
        return f"one class for each of the {len(wanted)} new pictures is wanted, not {got.shape}"


PICTURES = {
    "crop_padded": Exercise(
        reference=_crop_padded,
        cases=_crop_padded_cases,
        verified="all formats, borders of 1 to 5",
        hints=[_hint_crop_padded, _hint_crop_shape],
        level=2,
        minutes=10,
        steps=(
            "Make all pictures larger first: a border of zeros around each, and nothing around "
            "the other two axes.",
            "`np.pad` takes a pair for each axis. Then cut one window out of each picture in a "
            "loop, and put the windows together with `np.stack`.",
        ),
        look=_look_at_crops,
    ),
    "nearest_mean": Exercise(
        reference=_nearest_mean,
        cases=_nearest_mean_cases,
        verified="2 to 6 classes, 2 to 12 features",
        hints=[_hint_nearest_mean, _hint_one_each],
        whole=INDICES,
        level=2,
        minutes=15,
        steps=(
            "Three steps: standardise both sets by the training set, take the mean of each class, "
            "find the nearest mean of each new picture.",
            "`np.unique(labels)` gives the classes, `train[labels == k]` the pictures "
            "of class k. With `new[:, None] - means` all differences come at once, (tests, "
            "classes, features).",
        ),
    ),
}
