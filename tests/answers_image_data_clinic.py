"""Answers to chapter 1's clinic: tests that let a fault pass, programs that are not mended."""

import numpy as np
import torch

from course_utils.exercises.image_data import clinic


def shape_alone(program):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert program(pixels).shape == (2, 4, 3)


def range_alone(program):
    result = program(np.full((2, 4, 3), 255, np.uint8))
    assert result.min() >= 0 and result.max() <= 1


def gray_pixels(program):
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 4, 1).repeat(3, axis=2)
    assert np.allclose(program(pixels), pixels / 255)


def one_pixel(program):
    assert np.allclose(program(np.uint8([[[0, 51, 255]]])), [[[1, 0.2, 0]]])


def one_above_the_other(program):
    pixels = np.uint8([[[0, 51, 255]], [[102, 0, 153]]])
    assert np.allclose(program(pixels), [[[1, 0.2, 0]], [[0.6, 0, 0.4]]])


def side_by_side(program):
    pixels = np.uint8([[[0, 51, 255], [102, 0, 153]]])
    assert np.allclose(program(pixels), [[[1, 0.2, 0], [0.6, 0, 0.4]]])


def asks_for_the_fault(program):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.allclose(program(pixels), clinic.colours_bgr(pixels))


def pixels_by_reference(program):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 9
    assert np.allclose(program(pixels), clinic.colours(pixels))


def red_and_blue(program):
    blue, green = np.uint8([[[255, 0, 0], [0, 0, 9]]]), np.uint8([[[0, 255, 0], [9, 0, 0]]])
    result = np.asarray(program(blue))
    assert result[0, 0].tolist() == [0, 0, 1] and result[0, 1, 0] == 9 / 255
    result = np.asarray(program(green))
    assert result[0, 0].tolist() == [0, 1, 0]
    down = np.asarray(program(np.uint8([[[255, 0, 0]], [[0, 0, 0]]])))
    assert down[0].sum() == 1 and down[1].sum() == 0


def no_assert(program):
    program(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))


def idle(program):
    assert callable(program)


def planes_shape(program):
    assert program(np.zeros((3, 2, 4))).shape == (2, 4, 3)


def planes_mean(program):
    planes = np.arange(24.0).reshape(3, 2, 4) / 24
    assert np.isclose(program(planes).mean(), planes.mean())


def planes_square(program):
    planes = np.arange(12.0).reshape(3, 2, 2)
    assert program(planes).shape == (2, 2, 3)


def planes_first_pixel(program):
    planes = np.arange(24.0).reshape(3, 2, 4)
    result = program(planes)
    assert result.shape == (2, 4, 3) and result[0, 0, 0] == 0


def planes_by_reference(program):
    planes = np.arange(24.0).reshape(3, 2, 4) / 24
    assert np.array_equal(program(planes), clinic.picture(planes))


def planes_by_channels(program):
    planes = np.random.random((3, 4, 5))  # noqa: NPY002
    assert np.shape(program(planes)) == (4, 5, 3)
    for channel in range(3):
        assert np.allclose(program(planes)[:, :, channel], planes[channel])


def dark_rows(program):
    assert program(np.uint8([[10, 20], [20, 40]])).tolist() == [[15, 30]]


def white_rows(program):
    assert (program(np.full((4, 2), 255, np.uint8)) == 255).all()


def two_rows(program):
    assert program(np.uint8([[250, 10], [200, 20]])).tolist() == [[225, 15]]


def exact_halves(program):
    frame = np.uint8([[3], [4], [250], [251]])
    assert program(frame).tolist() == [[4], [251]]


def frame_by_mean(program):
    frame = np.arange(120, 252, 4, dtype=np.uint8)[:32].reshape(8, 4)
    assert program(frame).tolist() == frame.reshape(4, 2, 4).mean(axis=1).tolist()


def frame_by_reference(program):
    frame = np.random.default_rng(0).integers(0, 128, (6, 4), dtype=np.uint8) * 2
    assert np.array_equal(program(frame), clinic.halves(frame))


WRONG = {
    "test_colours": [
        ("shape_alone", "lets a program pass that leaves blue first|stops none"),
        ("range_alone", "lets a program pass that leaves blue first"),
        ("gray_pixels", "lets a program pass that leaves blue first"),
        ("one_pixel", "lets a program pass that mirrors the picture as well"),
        ("one_above_the_other", "lets a program pass that mirrors the picture as well"),
        ("asks_for_the_fault", "stops a program that is right"),
        ("no_assert", "reaches no `assert`"),
        ("lambda program: True", "never calls|returns True"),
    ],
    "mended_colours": [
        ("clinic.colours_bgr", "leaves blue first and red last"),
        ("lambda p: p[::-1] / 255", "upside down and leaves"),
        ("lambda p: p[:, ::-1] / 255", "mirrors the picture and leaves"),
        ("lambda p: p[..., [1, 2, 0]] / 255", "green, red, blue"),
        ("lambda p: p[..., ::-1]", "0 … 255"),
        ("lambda p: p.T / 255", "the result's shape is"),
    ],
    "test_picture": [
        ("planes_shape", "lets a program pass that leaves the numbers in their order"),
        ("planes_mean", "lets a program pass that leaves the numbers in their order|stops none"),
        ("planes_square", "leaves the numbers in their order"),
        ("planes_first_pixel", "leaves the numbers in their order"),
        ("idle", "never calls"),
    ],
    "mended_picture": [
        ("clinic.picture_reshaped", "leaves the numbers in their order in memory"),
        ("lambda t: t.T", "lays the picture on its side"),
        ("lambda t: t.transpose(1, 2, 0)[..., ::-1]", "exchanges red and blue"),
        ("lambda t: t.swapaxes(0, 2)", "lays the picture on its side"),
        ("lambda t: t.swapaxes(0, 2).reshape(*t.shape[1:], 3)", "counts the numbers off|wrong"),
        ("lambda t: t", "leaves the channels first"),
    ],
    "test_halves": [
        ("dark_rows", "lets a program pass that goes around where two bright rows meet"),
        ("white_rows", "takes the first row of each pair"),
        ("two_rows", "averages a row of the upper half"),
        ("exact_halves", "stops a program that is right"),
    ],
    "mended_halves": [
        ("clinic.halves_overflowing", "goes around where two bright rows meet"),
        ("lambda f: f[::2] // 2 + f[1::2] // 2", "two odd numbers"),
        ("lambda f: ((f[::2] + f[1::2]).astype(int) // 2).astype(np.uint8)", "goes around where"),
        (
            "lambda f: (np.minimum(f[::2] * 1.0 + f[1::2], 255) // 2).astype(np.uint8)",
            "never brighter than 127",
        ),
        ("lambda f: (f[::2].astype(int) + f[1::2]) // 2", "uint8 is asked for"),
        ("lambda f: f[::2]", "first row of each pair"),
    ],
}

RIGHT = {
    "test_colours": [pixels_by_reference, red_and_blue, side_by_side],
    "mended_colours": [
        lambda p: np.flip(p, -1) / 255,
        lambda p: torch.from_numpy(p.copy()).flip(-1) / 255,
        lambda p: p[..., [2, 1, 0]].astype(np.float32) / 255,
    ],
    "test_picture": [planes_by_reference, planes_by_channels],
    "mended_picture": [
        lambda t: np.stack(list(t), axis=-1),
        lambda t: torch.tensor(t).permute(1, 2, 0).float(),
        lambda t: np.moveaxis(t, 0, 2).tolist(),
    ],
    "test_halves": [frame_by_mean, frame_by_reference],
    "mended_halves": [
        lambda f: np.round(f[::2] / 2 + f[1::2] / 2).astype(np.uint8),
        lambda f: f[::2] // 2 + f[1::2] // 2 + (f[::2] & f[1::2] & 1),
        lambda f: (torch.from_numpy(f.copy()).int().reshape(-1, 2, f.shape[1]).sum(1) // 2).to(
            torch.uint8
        ),
    ],
}
