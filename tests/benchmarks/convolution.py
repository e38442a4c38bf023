"""The speed ladder of one convolution: `uv run python tests/benchmarks/convolution.py [threads]`.

Every rung against torch on the CPU in the same run, both at the same number of threads, in turns;
the median of each. The first line is the machine's matrix-product peak. SciPy has no convolution
of many channels: its rungs add up the channels' two-dimensional ones.
"""

import os
import sys

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
os.environ["OMP_NUM_THREADS"] = str(THREADS)  # before numpy and torch are loaded
os.environ["OMP_WAIT_POLICY"] = "passive"  # idle threads of one library leave the core to the other

import platform  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.lib.stride_tricks import sliding_window_view  # noqa: E402
from scipy import signal  # noqa: E402

from course_utils.numpy_layers import Conv2d  # noqa: E402

sys.path.append(str(Path(__file__).resolve().parents[1]))
from results import keep  # noqa: E402

SIZES = {  # pictures, channels, side, filters, kernel
    "S1": (8, 3, 64, 16, 3),
    "S2": (64, 1, 28, 32, 5),
    "S3": (32, 32, 28, 64, 3),
}


def loops(x, weight, bias):
    """Five loops and one sum: (N, C, H, W) → (N, K, H′, W′)."""
    k, _, r, s = weight.shape
    n, _, height, width = x.shape
    y = np.empty((n, k, height - r + 1, width - s + 1), x.dtype)
    for place in np.ndindex(y.shape):
        i, f, row, column = place
        y[place] = (x[i, :, row : row + r, column : column + s] * weight[f]).sum() + bias[f]
    return y


def taps(x, weight, bias):
    """A loop over the kernel's places; each is one multiplication of whole pictures."""
    k, _, r, s = weight.shape
    height, width = x.shape[2] - r + 1, x.shape[3] - s + 1
    y = np.zeros((len(x), k, height, width), x.dtype) + bias[:, None, None]
    for i, j in np.ndindex(r, s):
        part = x[:, :, i : i + height, j : j + width]
        y += np.einsum("nchw,kc->nkhw", part, weight[:, :, i, j], optimize=True)
    return y


def windows(x, weight, bias):
    """All windows at once, without copying, and one einsum."""
    seen = sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    y = np.einsum("nchwrs,kcrs->nkhw", seen, weight, optimize=True)
    return y + bias[:, None, None]


def scipy_sums(correlate, x, weight, bias):
    """SciPy's two-dimensional correlation for each picture, filter and channel, added up."""
    n, k = len(x), len(weight)
    return np.array([
        [sum(map(correlate, x[i], weight[f])) + bias[f] for f in range(k)] for i in range(n)
    ])  # fmt: skip


def direct(image, kernel):
    return signal.correlate2d(image, kernel, mode="valid")


def by_fft(image, kernel):
    return signal.fftconvolve(image, kernel[::-1, ::-1], mode="valid")


def times(functions, repeats):
    """Median milliseconds of each function, called in turns."""
    taken = [[] for _ in functions]
    for _ in range(repeats + 1):
        for function, mine in zip(functions, taken, strict=True):
            start = time.perf_counter()
            function()
            mine.append(1000 * (time.perf_counter() - start))
    return [statistics.median(mine[1:]) for mine in taken]


def ladder(size):
    """Print each rung's time and its ratio to torch's; returns the ratios."""
    n, c, side, k, r = size
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, c, side, side)).astype(np.float32)
    layer = Conv2d(c, k, r, rng=rng)
    weight, bias = layer.parameters["weight"], layer.parameters["bias"]
    tensors = [torch.from_numpy(array).requires_grad_() for array in (x, weight, bias)]
    dy = np.ones_like(layer(x))
    torch_dy = torch.from_numpy(dy)

    def torch_forward():
        with torch.no_grad():
            torch.conv2d(*tensors)

    def torch_both():
        torch.autograd.grad(torch.conv2d(*tensors), tensors, torch_dy)

    def ours_both():
        layer(x)
        layer.backward(dy)

    wanted = torch.conv2d(*tensors).detach().numpy()
    one = x[:1], weight, bias
    for found in (taps(x, weight, bias), windows(x, weight, bias), loops(*one),
                  scipy_sums(direct, *one), scipy_sums(by_fft, *one)):  # fmt: skip
        np.testing.assert_allclose(found, wanted[: len(found)], rtol=1e-3, atol=1e-4)
    rungs = [
        ("Conv2d (im2col in pieces)", lambda: layer(x), torch_forward, 40),
        ("windows + einsum", lambda: windows(x, weight, bias), torch_forward, 5),
        ("taps", lambda: taps(x, weight, bias), torch_forward, 5),
        ("scipy correlate2d, one × N", lambda: scipy_sums(direct, *one), torch_forward, 1),
        ("scipy fftconvolve, one × N", lambda: scipy_sums(by_fft, *one), torch_forward, 1),
        ("loops, one × N", lambda: loops(*one), torch_forward, 1),
        ("Conv2d forward + backward", ours_both, torch_both, 20),
    ]
    ratios = {}
    for name, function, theirs, repeats in rungs:
        ours, reference = times([function, theirs], repeats)
        ours *= n if name.endswith("one × N") else 1
        ratios[name] = ours / reference
        print(f"  {name:28} {ours:10.2f} ms {ours / reference:9.2f} × torch")
    return ratios


def main(sizes=SIZES):
    """The peak, then the three sizes."""
    torch.set_num_threads(THREADS)
    a = np.ones((1500, 1500), np.float32)
    (milliseconds,) = times([lambda: a @ a], 5)
    print(f"{platform.processor() or platform.machine()}, {THREADS} thread(s), "
          f"torch {torch.__version__}, NumPy {np.__version__}, "
          f"matrix product {2 * 1500**3 / milliseconds / 1e6:.0f} GFLOP/s")  # fmt: skip
    for name, size in sizes.items():
        print(name, size)
        column = f"{name}, {THREADS} thread{'s' * (THREADS > 1)}"
        for rung, ratio in ladder(size).items():
            keep("convolution", rung, {column: f"{ratio:.3g}"})


def small():
    """Two pictures of 6 × 6."""
    main({"small": (2, 2, 6, 3, 3)})


if __name__ == "__main__":
    main()
