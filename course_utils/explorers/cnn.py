"""Explorers of chapter 2, first half: the sliding integral, the moving window, the kernel."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import require_bytes, require_finite
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import ARROWS, Explorer, choice, slider, switch
from course_utils.explorers.kernel_grid import KernelGrid
from course_utils.figures import BLUE, GREEN, MAGENTA, VERMILION, show_image
from course_utils.filters import BOX, SOBEL

STEP = 0.01  # of the integral's grid
CURVES = {  # all are 0 outside 0 … 1
    "box": lambda t: np.ones_like(t),
    "ramp": lambda t: t,
    "decay": lambda t: np.exp(-4 * t),
}
PRESETS = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "box blur": BOX,
    "Gaussian blur": np.outer([1, 2, 1], [1, 2, 1]) / 16,
    "Sobel, up to down": SOBEL,
    "Sobel, left to right": SOBEL.T,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}
OWN = "your own"
EMPTY_IS_GRAY = colormaps["Blues"].with_extremes(bad="0.93")


def curve(name, t):
    """The function called `name` at t: box, ramp or decay on 0 … 1, and 0 elsewhere."""
    t = as_array("t", t)
    return np.where((t >= 0) & (t <= 1), CURVES[name](np.clip(t, 0, 1)), 0)


def integral_explorer():
    """Slide the flipped g over f; the area of their product is (f*g)(t) (L2.04)."""
    tau = np.arange(-1, 3, STEP) + STEP / 2
    times = np.arange(-0.5, 2.51, 0.05)
    figure = Figure(figsize=(10, 3))
    above, below = figure.subplots(1, 2)
    (still,) = above.plot(tau, tau * 0, color=BLUE, lw=2, label="f(τ)")
    (moving,) = above.plot(tau, tau * 0, color=VERMILION, lw=2, label="g(t − τ)")
    (area,) = above.fill(tau, tau * 0, color=GREEN, alpha=0.4, label="product")
    above.set(xlim=(-1, 3), ylim=(-0.05, 1.4), xlabel="τ", title="what is multiplied")
    legend = {"loc": "upper right", "handlelength": 1, "columnspacing": 1, "borderpad": 0}
    above.legend(ncols=3, **legend)
    (whole,) = below.plot(times, times * 0, color="0.7", lw=1.5, label="for all t")
    (sofar,) = below.plot([], [], color=GREEN, lw=2.5, label="up to this t")
    (dot,) = below.plot([0], [0], "o", color=GREEN, ms=9)
    below.set(xlim=(-0.5, 2.5), ylim=(-0.05, 1.4), xlabel="t", title="the area, (f*g)(t)")
    below.legend(ncols=2, **legend)

    def draw(t, f, g):
        fixed = curve(f, tau)
        areas = np.array([(fixed * curve(g, time - tau)).sum() * STEP for time in times])
        flipped = curve(g, t - tau)
        product = fixed * flipped
        value = product.sum() * STEP
        still.set_ydata(fixed)
        moving.set_ydata(flipped)
        area.set_xy(np.column_stack([np.r_[tau, tau[::-1]], np.r_[product, tau * 0]]))
        whole.set_ydata(areas)
        sofar.set_data(np.r_[times[times < t], t], np.r_[areas[times < t], value])
        dot.set_data([t], [value])
        return f"f: {f}, g: {g}. At t = {t:.2f} the product's area, (f*g)(t), is {value:.2f}"

    controls = {
        "t": slider("t", -0.5, 2.5, 0.5, 0.05, ".2f"),
        "f": choice("f", list(CURVES), "box"),
        "g": choice("g", list(CURVES), "box"),
    }
    artists = {"f": still, "g": moving, "product": area, "all t": whole, "this t": [sofar, dot]}
    return Explorer("Sliding integral", figure, artists, controls, draw)


def _short(number):
    """A number for a cell or a sum: exact where it is whole, else three digits; a true minus."""
    number = round(float(number), 12) + 0.0  # never −0
    text = f"{number:.0f}" if number.is_integer() else f"{number:.3g}"
    return text.replace("-", "−")


def window_explorer(image, kernel):
    """Step a kernel over a small image: window, products, sum, output (L2.08–L2.10, L2.15).

    image: (H, W) numbers, at most 7 × 7. kernel: (R, S), at most 3 × 3; its cells can be edited.
    On the picture the arrow keys move the window, space steps on, a click brings it to a pixel.
    """
    image, kernel = as_array("image", image).astype(float), as_array("kernel", kernel).astype(float)
    for name, array in (("image", image), ("kernel", kernel)):
        require_finite(name, array, array)
    if image.ndim != 2 or max(image.shape) > 7 or kernel.ndim != 2 or max(kernel.shape) > 3:
        raise ArgumentError(
            f"image must be (H, W) up to 7 × 7 and kernel (R, S) up to 3 × 3, "
            f"got {image.shape} and {kernel.shape}"
        )
    if np.less(image.shape, kernel.shape).any():
        raise ArgumentError(f"kernel {kernel.shape} is larger than the image {image.shape}")
    return _MovingWindow(image, kernel)


class _MovingWindow(Explorer):
    """What `window_explorer` makes of image (H, W) and kernel (R, S), float."""

    def __init__(self, image, kernel):
        self._image = image
        self._kernel_shape = kernel.shape
        figure = Figure(figsize=(9, 3.7), layout="none")
        figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.9, wspace=0.06)
        axes = figure.subplots(1, 3, width_ratios=(1.2, 1.15, 1.1))
        self._input = _Board(axes[0], "input")
        self._products = _Board(axes[1], "window × kernel")
        self._output = _Board(axes[2], "output")
        artists = {
            "window": self._input.frame,  # the input itself is drawn anew with another padding
            "products": self._products.artists,
            "output": self._output.artists,
        }
        controls = {
            "step": slider("step", 0, 1, 0),
            "stride": slider("stride", 1, 3, 1),
            "padding": slider("padding", 0, 2, 0),
            "flip": switch("flip the kernel", False),
            "kernel": KernelGrid(kernel),
        }
        self.controls = controls
        self._limit_steps()
        for name in ("stride", "padding"):  # before the explorer observes: it draws what is there
            controls[name].observe(self._limit_steps, names="value")
        super().__init__(
            "Moving window", figure, artists, controls, self._show, ground=("padding",)
        )
        self.on_key(self._steer)
        self.on_pointer(axes[0], self._to_input)
        self.on_pointer(axes[2], lambda phase, x, y: self._go(round(y), round(x)))

    def _output_shape(self):
        """Rows and columns of windows for the present stride and padding."""
        stride, padding = self.controls["stride"].value, self.controls["padding"].value
        return (np.add(self._image.shape, 2 * padding) - self._kernel_shape) // stride + 1

    def _limit_steps(self, _=None):
        self.controls["step"].max = int(np.prod(self._output_shape())) - 1

    def _show(self, step, stride, padding, flip, kernel):
        weights = np.array(kernel)[::-1, ::-1] if flip else np.array(kernel)
        padded = np.pad(self._image, padding)
        windows = sliding_window_view(padded, weights.shape)[::stride, ::stride]
        output = (windows * weights).sum(axis=(2, 3))
        step = min(step, output.size - 1)
        row, column = divmod(step, output.shape[1])
        window = windows[row, column]
        given = np.pad(self._image, padding, constant_values=np.nan)
        place = (row * stride, column * stride, *weights.shape)
        self._input.show(given, place, [_short(value) for value in padded.flat])
        self._input.outline.set_bounds(padding - 0.5, padding - 0.5, *self._image.shape[::-1])
        pairs = zip(window.flat, weights.flat, strict=True)
        self._products.ax.set_title("window × flipped kernel" if flip else "window × kernel")
        self._products.show(window, None, [f"{_short(v)}\n× {_short(w)}" for v, w in pairs])
        done = np.arange(output.size).reshape(output.shape) <= step
        texts = [_short(v) if seen else "" for v, seen in zip(output.flat, done.flat, strict=True)]
        self._output.show(np.where(done, output, np.nan), (row, column, 1, 1), texts)
        total = " + ".join(_short(part) for part in (window * weights).flat)
        return (
            f"output ({row}, {column}) = {total} = {_short(output[row, column])}; "
            f"{output.shape[0]} × {output.shape[1]} places in all"
            + (", kernel flipped" if flip else "")
        )

    def _go(self, row, column):
        """Move to the window at a place of the output, or to the nearest one."""
        rows, columns = self._output_shape()
        row, column = np.clip((row, column), 0, (rows - 1, columns - 1))
        self.controls["step"].value = int(row * columns + column)

    def _steer(self, key):
        step = self.controls["step"]
        if key in ARROWS:
            row, column = divmod(step.value, self._output_shape()[1])
            down, right = ARROWS[key]
            self._go(row + down, column + right)
        else:
            ends = {"Home": 0, "End": step.max}
            step.value = ends.get(key, (step.value + 1) % (step.max + 1))

    def _to_input(self, phase, x, y):
        """Bring the window's middle to a place of the input."""
        height, width = self._kernel_shape
        stride = self.controls["stride"].value
        self._go(round((y - (height - 1) / 2) / stride), round((x - (width - 1) / 2) / stride))


class _Board:
    """A matrix drawn as cells with their numbers, and a frame around some of them."""

    LARGEST = 11

    def __init__(self, ax, title):
        self.ax = ax
        show_image(np.zeros((1, 1)), title, ax, cmap=EMPTY_IS_GRAY, vmin=0, vmax=1)
        ax.set_anchor("N")  # the title stays above it, whatever its format
        self.image = ax.images[0]
        plain = {"ha": "center", "va": "center", "parse_math": False}
        self.texts = [ax.text(0, 0, "", **plain) for _ in range(self.LARGEST**2)]
        self.outline = ax.add_patch(Rectangle((0, 0), 0, 0, fill=False, edgecolor="0.2", lw=2))
        self.frame = ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=MAGENTA, lw=3))
        self.artists = [self.image, *self.texts, self.frame, ax.title]

    def show(self, matrix, frame=None, texts=None):
        """Draw a matrix, NaN as gray cells.

        frame: top, left, height, width. texts: of all cells; None: their numbers.
        """
        rows, columns = matrix.shape
        top = max(1e-9, np.nanmax(np.abs(matrix)))
        self.image.set(data=matrix / top * 0.6, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))
        self.ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        self.ax.apply_aspect()
        texts = texts or [_short(value) for value in matrix.flat]
        longest = max(len(line) for text in texts for line in text.split("\n"))
        size = 13 if max(rows, columns, longest) <= 5 else 11
        places = list(np.ndindex(rows, columns))
        for number, label in enumerate(self.texts):
            label.set_visible(number < len(places) and texts[number] != "")
            if label.get_visible():
                row, column = places[number]
                beside = np.isnan(matrix[row, column])
                label.set(x=column, y=row, text=texts[number], fontsize=size)
                label.set_color("0.4" if beside else "black")
        self.frame.set_visible(frame is not None)
        if frame is not None:
            top, left, height, width = frame
            self.frame.set_bounds(left - 0.5, top - 0.5, width, height)


def kernel_explorer(photo):
    """Filter a photo with a 3 × 3 kernel that can be chosen and edited (L2.06, L2.07).

    photo: (H, W) uint8 or float, 0 … 255. The kernel is applied as it is seen, without a flip.
    """
    given, photo = photo, as_array("photo", photo).astype(np.float32)
    if photo.ndim != 2 or min(photo.shape) < 3:
        raise ArgumentError(f"photo must be gray, (H, W), from 3 × 3, got {photo.shape}")
    require_bytes("photo", given, photo)
    figure = Figure(figsize=(9, 3.6), layout="none")
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.9, wspace=0.04)
    before, after = figure.subplots(1, 2)
    show_image(photo, "photo", before, vmin=0, vmax=255)
    show_image(photo[1:-1, 1:-1], " ", after, vmin=0, vmax=255)
    height, width = photo.shape[0] - 2, photo.shape[1] - 2

    def draw(preset, kernel, centred):
        result = np.zeros((height, width), np.float32)
        for (r, s), weight in np.ndenumerate(np.array(kernel, np.float32)):
            if weight:
                result += weight * photo[r : r + height, s : s + width]
        total = round(sum(map(sum, kernel)), 6)
        after.images[0].set_data(result / 4 + 127.5 if centred else result)
        shown = "0 is middle gray, cut at ±510" if centred else "cut at 0 and 255"
        after.set_title(f"result, {shown}")
        low, high = (round(float(value)) for value in (result.min(), result.max()))
        effect = f"become × {_short(total)}" if total else "become 0"
        return (
            f"{preset}: the weights' sum is {_short(total)}, so flat areas {effect}; "
            f"the result goes from {_short(low)} to {_short(high)}"
        )

    grid = KernelGrid(PRESETS["Sobel, up to down"])
    menu = choice("kernel", [*PRESETS, OWN], "Sobel, up to down")
    centred = switch("0 as middle gray", True)  # a preset sets it; while one types, it stays

    def chosen(change):
        if change["new"] != OWN and not np.allclose(PRESETS[change["new"]], grid.value):
            kernel = np.array(PRESETS[change["new"]], float)
            explorer.set(kernel=kernel.tolist(), centred=bool(abs(kernel.sum()) < 0.001))

    def typed(change):
        named = [name for name, kernel in PRESETS.items() if np.allclose(kernel, change["new"])]
        menu.value = named[0] if named else OWN

    menu.observe(chosen, names="value")  # before the explorer observes: it draws both at once
    grid.observe(typed, names="value")
    artists = {"result": after.images[0], "title": after.title}
    controls = {"preset": menu, "kernel": grid, "centred": centred}
    actions = {"flip": lambda: grid.set(np.array(grid.value)[::-1, ::-1])}
    explorer = Explorer(
        "Kernel explorer", figure, artists, controls, draw, photo=True, actions=actions
    )
    return explorer
