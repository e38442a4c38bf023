"""Exercises of chapter 2 on the convolution: sections 2.8, 2.13, 2.15 and 2.16."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils import filters
from course_utils.data import load_photo
from course_utils.exercises.engine import Exercise, mistakes
from course_utils.figures import show_row

LUMA = np.array([0.299, 0.587, 0.114])


# convolve2d
def _correlate(image, kernel):
    return np.einsum("ijrs,rs->ij", sliding_window_view(image, kernel.shape), kernel)


def _convolve2d(image, kernel):
    return _correlate(image, kernel[::-1, ::-1])


def _full(image, kernel):
    rows, columns = kernel.shape
    padded = np.pad(image, ((rows - 1, rows - 1), (columns - 1, columns - 1)))
    return _convolve2d(padded, kernel)


def _same(image, kernel):
    top, left = ((side - 1) // 2 for side in kernel.shape)
    return _full(image, kernel)[top : top + len(image), left : left + image.shape[1]]


def _images_and_kernels(rng):
    tiny = np.array([[1.0, 2, 0], [0, 3, 1]]), np.array([[1.0, 0], [2, 3]])
    small = np.array([[0.0, 1, 0, 2, 1], [3, 0, 1, 0, 0], [1, 1, 0, 4, 2]]), np.array([[1.0, 2, 4]])
    sizes = [(2, 3), (4, 2), (3, 1), (3, 3), (2, 2), (5, 4), (1, 1)]
    drawn = [(rng.normal(size=rng.integers(5, 12, 2)), rng.normal(size=size)) for size in sizes]
    return [tiny, small, *drawn]


_hint_convolve2d = mistakes(
    (_correlate, "that is cross-correlation; a convolution flips the kernel"),
    (lambda i, k: _correlate(i, k[::-1]), "the kernel is flipped in one direction; both count"),
    (lambda i, k: _correlate(i, k[:, ::-1]), "the kernel is flipped in one direction; both count"),
    (lambda i, k: _convolve2d(i[::-1, ::-1], k), "the picture keeps its order; the kernel turns"),
    (_full, "that is full; valid is wanted: only windows inside the image"),
    (_same, "that is same; valid is wanted: only windows inside the image"),
)


def _look_convolve2d(answer):
    """The cat, and its relief: what a slanted difference makes of it."""
    gray = load_photo("cat_chelsea", 120) @ LUMA / 255
    relief = np.array([[2.0, 1, 0], [1, 0, -1], [0, -1, -2]])
    show_row({"cat": gray, "relief": 0.5 + answer(gray, relief) / 2}, photo=True, width=8)


# channels_conv
def _channels_conv(image, kernels, bias, stride):
    windows = sliding_window_view(image, kernels.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("cijrs,kcrs->kij", windows, kernels) + bias[:, None, None]


def _by_channel(image, kernels, stride):
    """(K, C, H′, W′): what each filter finds in each channel."""
    windows = sliding_window_view(image, kernels.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("cijrs,kcrs->kcij", windows, kernels)


def _channels_conv_cases(rng):
    image = np.array([[[1.0, 2, 0], [0, 1, 3]], [[0, 1, 1], [2, 0, 0]]])  # (2, 2, 3)
    kernels = np.array([[[[1.0, 0]], [[0, 2]]], [[[1, 1]], [[0, 1]]], [[[0, 1]], [[3, 0]]]])
    cases = [(image, kernels, np.array([10.0, 0, 20]), 1)]
    settings = [(1, 2, 2, 2, 2), (2, 3, 3, 2, 2), (3, 1, 2, 4, 3), (3, 5, 3, 3, 2), (4, 2, 1, 1, 3),
                (1, 1, 5, 2, 1), (2, 4, 2, 2, 4), (9, 3, 1, 3, 2)]  # fmt: skip
    for channels, filters_, rows, columns, stride in settings:
        size = rng.integers((rows + 3, columns + 3), (rows + 8, columns + 8))
        kernels = rng.normal(size=(filters_, channels, rows, columns))
        cases.append((rng.normal(size=(channels, *size)), kernels, rng.normal(size=filters_),
                      stride))  # fmt: skip
    return cases


_hint_channels_conv = mistakes(
    (lambda x, k, b, s: _channels_conv(x, k, b, 1), "the stride has no effect"),
    (lambda x, k, b, s: _channels_conv(x, k, 0 * b, s), "the bias is missing"),
    (lambda x, k, b, s: _channels_conv(x, k, len(x) * b, s),
     "the bias is added once for each channel; it belongs to the filter, once"),
    (lambda x, k, b, s: _channels_conv(x[:1], k[:, :1], b, s), "only the first channel is used"),
    (lambda x, k, b, s: _by_channel(x, k, s).mean(axis=1) + b[:, None, None],
     "the channels are added, not averaged"),
    (lambda x, k, b, s: _by_channel(x, k, s), "each filter adds its channels into *one* map"),
    (lambda x, k, b, s: _by_channel(x, k, s) + b[:, None, None, None],
     "each filter adds its channels into *one* map"),
    (lambda x, k, b, s: _channels_conv(x, k[:, :, ::-1, ::-1], b, s),
     "the kernels are flipped; libraries, and this exercise, leave that out"),
    (lambda x, k, b, s: _channels_conv(x[::-1], k, b, s),
     "channel 0 of the filter belongs to channel 0 of the picture"),
    (lambda x, k, b, s: np.moveaxis(_channels_conv(x, k, b, s), 0, -1),
     "the filters' axis comes first: (K, H′, W′)"),
    (lambda x, k, b, s: _channels_conv(x, k, b, 1)[:, :: s, :], "the window moves to the right by "
     "`stride`, too"),
)  # fmt: skip


def _hint_channels_conv_shape(got, wanted, arguments):
    image, kernels, _, stride = arguments
    if got.shape != wanted.shape:
        (rows, columns), (height, width) = kernels.shape[2:], image.shape[1:]
        return (
            f"the result's shape is {got.shape}; each of the {len(kernels)} filters has one number "
            f"for each window: how many windows of {rows} × {columns} fit into {height} rows and "
            f"{width} columns, if the first pixel of each window is {stride} further than that of "
            f"the window before?"
        )


def _look_channels_conv(answer):
    """The coffee, and three maps of it."""
    photo = load_photo("coffee", 120).transpose(2, 0, 1) / 255
    kernels = np.zeros((3, 3, 3, 3))
    kernels[0] = filters.SOBEL / 3
    kernels[1] = filters.SOBEL.T / 3
    kernels[2, 0], kernels[2, 2] = filters.BOX, -filters.BOX
    maps = answer(photo, kernels, np.full(3, 0.5), 1)
    names = ("horizontal edges", "vertical edges", "red − blue")
    pictures = {name: np.clip(np.asarray(found), 0, 1)
                for name, found in zip(names, maps, strict=True)}  # fmt: skip
    show_row({"photo": photo.transpose(1, 2, 0)} | pictures, photo=True)


# pad_same
def _pad(image, rows, columns, mode="edge", first=lambda more: more // 2):
    """rows and columns: how many new ones; first: how many of them above, and on the left."""
    top, left = first(rows), first(columns)
    return np.pad(image, ((top, rows - top), (left, columns - left)), mode=mode)


def _pad_same(image, rows, columns):
    return _pad(image, rows - 1, columns - 1)


def _pad_same_cases(rng):
    tiny = np.arange(1.0, 13).reshape(3, 4)
    settings = [(3, 1), (1, 3), (2, 3), (3, 5), (4, 2), (5, 4), (1, 1), (7, 3), (2, 6)]
    cases = [(tiny, 3, 1), (tiny, 1, 4)]
    return cases + [(rng.normal(size=rng.integers(7, 13, 2)), *pair) for pair in settings]


_hint_pad_same = mistakes(
    (lambda i, r, c: _pad(i, r - 1, c - 1, first=lambda more: more - more // 2),
     "for an even filter the odd pixel belongs below, and on the right"),
    (lambda i, r, c: _pad(i, r // 2 * 2, c // 2 * 2),
     "an even filter needs an odd number of new rows or columns: one side gets one more"),
    (lambda i, r, c: _pad(i, r - 1, c - 1, "constant"), "the new pixels are 0; the edge is wanted"),
    (lambda i, r, c: _pad(i, r - 1, c - 1, "reflect"),
     "the new pixels mirror the picture; they repeat the pixel at the edge"),
    (lambda i, r, c: _pad(i, r - 1, c - 1, "symmetric"),
     "the new pixels mirror the picture; they repeat the pixel at the edge"),
    (lambda i, r, c: _pad(i, r - 1, c - 1, "wrap"),
     "the new pixels come from the other side; they repeat the nearest pixel"),
    (lambda i, r, c: _pad(i, c - 1, r - 1), "rows and columns are exchanged"),
    (lambda i, r, c: _pad(i, 2 * (r - 1), 2 * (c - 1)),
     "that is full padding: k − 1 on *each* side; same needs k − 1 in all"),
    (lambda i, r, c: _pad(i, r, c), "one too many: a filter of 1 needs no new pixel"),
    (lambda i, r, c: i, "nothing is added"),
)  # fmt: skip


def _look_pad_same(answer):
    """The church, blurred: as large as before, without a frame."""
    church = load_photo("church", 200) @ LUMA / 255
    box = np.full((15, 10), 1 / 150)
    pictures = {"church": church, "valid": filters.correlate(church, box)}
    show_row(pictures | {"padded by you": filters.correlate(answer(church, 15, 10), box)},
             photo=True)  # fmt: skip


# dilated
def _dilated(image, kernel, dilation):
    wide = np.zeros([dilation * (side - 1) + 1 for side in kernel.shape])
    wide[::dilation, ::dilation] = kernel
    return _correlate(image, wide)


def _wider(image, kernel, dilation):
    """One too wide; nothing where that does not fit into the image."""
    span = [(dilation + 1) * (side - 1) + 1 for side in kernel.shape]
    fits = span[0] <= len(image) and span[1] <= image.shape[1]
    return _dilated(image, kernel, dilation + 1) if fits else np.zeros((0, 0))


def _dilated_cases(rng):
    tiny = np.array([[1.0, 2, 0, 3, 1], [0, 1, 4, 0, 2]]), np.array([[1.0, 10]]), 2
    small = np.array([[1.0, 2, 0], [0, 1, 5], [3, 0, 1], [2, 2, 4]]), np.array([[1.0], [10]]), 3
    sizes = [(2, 3), (3, 3), (3, 2), (2, 2), (3, 1), (1, 3), (2, 4), (3, 3)]
    dilations = (3, 1, 4, 2, 3, 2, 2, 2)
    drawn = [(rng.normal(size=rng.integers(11, 17, 2)), rng.normal(size=size), dilation)
             for size, dilation in zip(sizes, dilations, strict=True)]  # fmt: skip
    return [tiny, small, *drawn]


def _hint_dilated_shape(got, wanted, arguments):
    if got.shape != wanted.shape:
        return (
            f"the result's shape is {got.shape}; the filter spans dilation · (R − 1) + 1 rows, "
            "so count how many places are left"
        )


_hint_dilated = mistakes(
    (lambda i, k, d: _correlate(i, k),
     "the dilation has no effect: the weights meet pixels `dilation` apart"),
    (lambda i, k, d: _correlate(i, k)[::d, ::d],
     "that is a stride: the window jumps, but its pixels still touch each other"),
    (lambda i, k, d: _dilated(i, k, d)[::d, ::d], "the window itself moves by one pixel"),
    (_wider,
     "the gap is one too wide: neighbours are `dilation` apart, with dilation − 1 between"),
    (lambda i, k, d: _dilated(i, k[::-1, ::-1], d), "no flip is wanted here"),
)  # fmt: skip

EXERCISES = {
    "convolve2d": Exercise(
        reference=_convolve2d,
        cases=_images_and_kernels,
        verified="kernels of all formats, without symmetry",
        hints=[_hint_convolve2d],
        errors={
            "broadcast": "a window is not as large as the kernel: where do the last ones begin?"
        },
        level=1,
        minutes=5,
        look=_look_convolve2d,
        steps=(
            "Which of the functions of 2.7 and 2.8 does all but one step of this already?",
            "The sliding window computes the cross-correlation. What has to be done to the kernel "
            "before it slides, and along how many axes?",
        ),
    ),
    "channels_conv": Exercise(
        reference=_channels_conv,
        cases=_channels_conv_cases,
        verified="1 to 9 channels, 1 to 5 filters, strides 1 to 4, filters of all formats",
        hints=[_hint_channels_conv, _hint_channels_conv_shape],
        errors={
            "broadcast": "print the shapes of what meets in this line; if one of them is the bias: "
            "to which axis of the maps does it belong?",
            "axes": "a window of one picture has the axes (channels, rows, columns)",
        },
        level=2,
        minutes=10,
        look=_look_channels_conv,
        steps=(
            "One number of the result belongs to a filter and a place. Write down which numbers of "
            "the picture and of the filter it needs, and then where the stride comes in.",
            "With loops: where does the window begin for output (i, j)? With windows: which of "
            "all windows does a stride keep, and over which axes does the sum go?",
        ),
    ),
    "pad_same": Exercise(
        reference=_pad_same,
        cases=_pad_same_cases,
        verified="odd and even filters, 1 to 7 pixels a side",
        hints=[_hint_pad_same],
        errors={
            "broadcast": "np.pad takes one pair (before, after) for each axis",
            "negative values": "a filter of 1 needs no new pixel; no width may be below 0",
        },
        level=2,
        minutes=10,
        look=_look_pad_same,
        steps=(
            "Begin with one axis: by how many pixels does a filter of k shrink it? So many new "
            "ones are needed there in all.",
            "Divide that number between the two sides, for an odd k and for an even one; then look "
            "in 2.15 which mode of NumPy repeats the edge.",
        ),
    ),
    "dilated": Exercise(
        reference=_dilated,
        cases=_dilated_cases,
        verified="dilation 1 to 4",
        hints=[_hint_dilated, _hint_dilated_shape],
        errors={
            "broadcast": "print the shapes of the window and of the kernel; the pixels that meet "
            "weights are `dilation` apart"
        },
        level=2,
        minutes=10,
        steps=(
            "Draw a filter of three weights over a row of pixels, with the weights two pixels "
            "apart. How many pixels does it span?",
            "Take windows as large as that span. Which of a window's pixels meet a weight?",
        ),
    ),
}
