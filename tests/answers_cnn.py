"""Answers to the exercises of chapter 2: wrong ones with their hints, and other right ones."""

import math

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage, signal, special

F = torch.nn.functional


def tensor(matrix):
    """(H, W) → (1, 1, H, W)"""
    return torch.tensor(matrix.copy())[None, None]


def correlate(image, kernel):
    return signal.correlate2d(image, kernel, "valid")


def pool(image, size, stride):
    return sliding_window_view(image, (size, size))[::stride, ::stride].max(axis=(2, 3))


def spread(dy, size):
    return dy.repeat(size, axis=0).repeat(size, axis=1)


def first_only(dy, size):
    result = np.zeros_like(spread(dy, size))
    result[::size, ::size] = dy
    return result


def late(layers):
    seen, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        seen += (kernel - 1) * step
    return seen


def counted(layers):
    """The pixels with a gradient, in one dimension; section 2.18 does it in two."""
    x = picture = torch.ones(1, 1, late(layers) + 600, requires_grad=True)
    for size, stride in layers:
        x = F.conv1d(x, torch.ones(1, 1, size), stride=stride)
    x[0, 0, x.shape[2] // 2].backward()
    return np.count_nonzero(picture.grad)


def convolve_channels(image, kernels, bias, stride):
    x, weight = torch.tensor(image)[None], torch.tensor(kernels.copy())
    return F.conv2d(x, weight, torch.tensor(bias), stride=stride)[0].numpy()


def by_channel(image, kernels, stride):
    """(K, C, H′, W′)"""
    parts = [
        convolve_channels(image[c : c + 1], kernels[:, c : c + 1], np.zeros(len(kernels)), stride)
        for c in range(len(image))
    ]
    return np.stack(parts, axis=1)


def conv_by_loop(image, kernels, bias, stride):
    rows, columns = kernels.shape[2:]
    tops = range(0, image.shape[1] - rows + 1, stride)
    lefts = range(0, image.shape[2] - columns + 1, stride)
    maps = [
        [[(image[:, i : i + rows, j : j + columns] * k).sum() + b for j in lefts] for i in tops]
        for k, b in zip(kernels, bias, strict=True)
    ]
    return np.array(maps, dtype=np.float32)


def chain(size, layers, divide=lambda a, b: a // b, sides=2, first=1):
    for kernel, stride, padding in layers:
        size = divide(size + sides * padding - kernel, stride) + first
    return size


def by_meta(size, layers):
    for kernel, stride, padding in layers:
        x, weight = (torch.empty(1, 1, n, device="meta") for n in (size, kernel))
        size = F.conv1d(x, weight, padding=padding, stride=stride).shape[2]
    return size


def pairs(channels):
    return list(zip(channels[:-1], channels[1:], strict=True))


def by_layers(channels, kernel, bias):
    layers = [torch.nn.Conv2d(i, o, kernel, bias=bias) for i, o in pairs(channels)]
    return sum(p.numel() for layer in layers for p in layer.parameters())


def pad(image, top, bottom, left, right, mode="edge"):
    return np.pad(image, ((top, bottom), (left, right)), mode=mode)


def pad_by_index(image, rows, columns):
    down = (np.arange(len(image) + rows - 1) - (rows - 1) // 2).clip(0, len(image) - 1)
    right = np.arange(image.shape[1] + columns - 1) - (columns - 1) // 2
    return image[down][:, right.clip(0, image.shape[1] - 1)]


def pad_by_torch(image, rows, columns):
    x = torch.tensor(image, dtype=torch.float32)[None, None]
    top, left = (rows - 1) // 2, (columns - 1) // 2
    width = (left, columns - 1 - left, top, rows - 1 - top)
    return F.pad(x, width, mode="replicate")[0, 0]


def slopes(loss_of, weights, h=1e-5, both=True):
    gradient = np.zeros(weights.shape)
    for place in np.ndindex(weights.shape):
        more, less = weights.copy(), weights.copy()
        more[place] += h
        less[place] -= h * both
        gradient[place] = (loss_of(more) - loss_of(less)) / (h * (1 + both))
    return gradient


def put_back(loss_of, weights):
    moved, found = weights.copy(), []
    for place in np.ndindex(weights.shape):
        moved[place] += 1e-6
        up = loss_of(moved)
        moved[place] -= 2e-6
        found.append((up - loss_of(moved)) / 2e-6)
        moved[place] += 1e-6
    return np.array(found).reshape(weights.shape)


def one_window_too_few(image, kernels, bias, stride):
    rows, columns = ((n - k + 1) // stride for n, k in zip(image.shape[1:], kernels.shape[2:]))  # noqa: B905
    return convolve_channels(image, kernels, bias, stride)[:, :rows, :columns]


def one_step(clear=True, each=False, steps=False, shares=True, told=True, share=1):
    """A training step that is right, or makes the mistake that its options say."""

    def step(model, optimizer, parts):
        if clear:
            optimizer.zero_grad()
        total = 0
        for x, y in parts:
            if each:
                optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            (loss / len(parts) / share if shares else loss).backward()
            if steps:
                optimizer.step()
            total += loss.item()
        if not steps:
            optimizer.step()
        return total / len(parts) if told else total

    return step


def one_batch(model, optimizer, parts):
    x, y = (torch.cat(values) for values in zip(*parts, strict=True))
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def scaled_after(model, optimizer, parts):
    model.zero_grad()
    losses = [F.cross_entropy(model(x), y) for x, y in parts]
    sum(losses).backward()
    for parameter in model.parameters():
        parameter.grad /= len(parts)
    optimizer.step()
    return np.float32(np.mean([loss.item() for loss in losses]))


def cleared_too_late(model, optimizer, parts):
    loss = sum(F.cross_entropy(model(x), y) for x, y in parts) / len(parts)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def tells_nothing(model, optimizer, parts):
    one_batch(model, optimizer, parts)


WRONG = {
    "output_size": [
        ("lambda i, n: chain(i, n, lambda a, b: a / b)", "round downwards"),
        ("lambda i, n: chain(i, n, lambda a, b: math.ceil(a / b))", "round downwards"),
        ("lambda i, n: chain(i, n, sides=1)", "both sides"),
        ("lambda i, n: chain(i, n, first=0)", "one too few"),
        ("lambda i, n: chain(i, n[-1:])", "only the last layer"),
        ("lambda i, n: chain(i, n[:1])", "only the first layer"),
        ("lambda i, n: chain(i, n[::-1])", "from the last to the first"),
        ("lambda i, n: i", "is wrong"),
        ("lambda i, n: chain(i, n) * 1.0", "a whole number is wanted"),
    ],
    "count_parameters": [
        ("lambda c, k, b: sum(o * (k * k + b) for _, o in pairs(c))", "\\*each\\* input channel"),
        ("lambda c, k, b: sum(o * (i * k + b) for i, o in pairs(c))", "two sides"),
        ("lambda c, k, b: by_layers(c, k, False)", "one bias more"),
        ("lambda c, k, b: by_layers(c, k, True)", "bias is False"),
        ("lambda c, k, b: sum(o * i * (k * k + b) for i, o in pairs(c))", "of its channels"),
        ("lambda c, k, b: by_layers(c, k, False) + b * len(pairs(c))", "one for the layer"),
        ("lambda c, k, b: by_layers(c[:2], k, b)", "only the first layer"),
        ("lambda c, k, b: by_layers(c[-2:], k, b)", "only the last layer"),
        ("lambda c, k, b: by_layers(c, k, b) * 1.0", "a whole number is wanted"),
    ],
    "channels_conv": [
        ("lambda x, k, b, s: convolve_channels(x, k, b, 1)", "stride has no effect"),
        ("lambda x, k, b, s: convolve_channels(x, k, 0 * b, s)", "the bias is missing"),
        ("lambda x, k, b, s: convolve_channels(x, k, len(x) * b, s)", "once for each channel"),
        ("lambda x, k, b, s: convolve_channels(x[:1], k[:, :1], b, s)", "only the first channel"),
        (
            "lambda x, k, b, s: by_channel(x, k, s).mean(axis=1) + b[:, None, None]",
            "not averaged",
        ),
        ("lambda x, k, b, s: by_channel(x, k, s)", "into \\*one\\* map"),
        ("lambda x, k, b, s: convolve_channels(x, k[..., ::-1, ::-1], b, s)", "are flipped"),
        ("lambda x, k, b, s: convolve_channels(x[::-1].copy(), k, b, s)", "channel 0"),
        ("lambda x, k, b, s: conv_by_loop(x, k, b, s).transpose(1, 2, 0)", "axis comes first"),
        ("lambda x, k, b, s: convolve_channels(x, k, b, 1)[:, ::s]", "to the right by `stride`"),
        ("lambda x, k, b, s: by_channel(x, k, s).sum(axis=1) + b", "to which axis|is wrong"),
        ("one_window_too_few", "one number for each window: how many"),
    ],
    "pad_same": [
        ("lambda i, r, c: pad(i, r // 2, (r - 1) // 2, c // 2, (c - 1) // 2)", "belongs below"),
        ("lambda i, r, c: pad(i, r // 2, r // 2, c // 2, c // 2)", "one side gets one more"),
        ("lambda i, r, c: np.pad(pad_by_index(i, 1, c), 0) if r == 1 else 0 * i", "is wrong|shape"),
        (
            "lambda i, r, c: pad(i, (r - 1) // 2, r // 2, (c - 1) // 2, c // 2, 'constant')",
            "the new pixels are 0",
        ),
        (
            "lambda i, r, c: pad(i, (r - 1) // 2, r // 2, (c - 1) // 2, c // 2, 'reflect')",
            "mirror the picture",
        ),
        (
            "lambda i, r, c: pad(i, (r - 1) // 2, r // 2, (c - 1) // 2, c // 2, 'wrap')",
            "from the other side",
        ),
        ("lambda i, r, c: pad_by_index(i, c, r)", "are exchanged"),
        ("lambda i, r, c: pad(i, r - 1, r - 1, c - 1, c - 1)", "that is full padding"),
        ("lambda i, r, c: pad_by_index(i, r + 1, c + 1)", "one too many"),
        ("lambda i, r, c: i", "nothing is added"),
    ],
    "numeric_gradient": [
        ("lambda f, w: 2 * slopes(f, w)", "2 h apart"),
        ("lambda f, w: slopes(f, w) / 2", "half the slope"),
        ("lambda f, w: -slopes(f, w)", "the sign"),
        ("lambda f, w: np.full(w.shape, (f(w + 1e-5) - f(w - 1e-5)) / 2e-5)", "move together"),
        ("lambda f, w: (f(w + 1e-5) - f(w - 1e-5)) / 2e-5", "one for each weight"),
        ("lambda f, w: 0 * w", "nothing changes"),
        ("lambda f, w: w", "is wrong"),
    ],
    "training_step": [
        ("one_step(clear=False)", "of an earlier step"),
        ("one_step(shares=False)", "their sum, not the mean"),
        ("one_step(clear=False, shares=False)", "are not averaged"),
        ("one_step(each=True)", "only the last part counts"),
        ("one_step(each=True, shares=False)", "only the last part counts"),
        ("one_step(each=True, shares=False, steps=True)", "one step is wanted"),
        ("one_step(clear=False, shares=False, steps=True)", "one step for each part"),
        ("one_step(steps=True)", "one step for each part"),
        ("one_step(shares=False, steps=True, told=False)", "one step for each part"),
        ("one_step(told=False)", "the loss is not"),
        ("one_step(share=3)", "start_weights=.*number_of_parts=2\\): the loss is right"),
        ("one_step(share=3, told=False)", "the loss is wrong, and the weights"),
        ("cleared_too_late", "were gone before the step"),
        ("tells_nothing", "is a `return` missing"),
    ],
    "convolve2d": [
        ("correlate", "that is cross-correlation"),
        ("lambda i, k: correlate(i, k[::-1])", "in one direction"),
        ("lambda i, k: correlate(i, k[:, ::-1])", "in one direction"),
        ("lambda i, k: signal.convolve2d(i[::-1, ::-1], k, 'valid')", "keeps its order"),
        ("lambda i, k: signal.convolve2d(i, k)", "valid is wanted"),
        ("lambda i, k: signal.convolve2d(i, k, 'same')", "valid is wanted"),
    ],
    "dilated": [
        ("lambda i, k, d: correlate(i, k)", "has no effect"),
        ("lambda i, k, d: correlate(i, k)[::d, ::d]", "that is a stride"),
        ("lambda i, k, d: RIGHT['dilated'][1](i, k[::-1, ::-1], d)", "no flip"),
        ("lambda i, k, d: RIGHT['dilated'][1](i, k, d + 1)", "one too wide"),
        ("lambda i, k, d: RIGHT['dilated'][1](i, k, d)[::d, ::d]", "moves by one pixel"),
        ("lambda i, k, d: correlate(i[::d, ::d], k)", "moves by one pixel"),
        ("lambda i, k, d: np.zeros((3, 3, 3))", "the result's shape is"),
    ],
    "max_pool": [
        ("lambda i, n, s: pool(i, n, n)", "move by `stride`"),
        ("lambda i, n, s: i[::s, ::s]", "the result's shape is|one pixel of each"),
        ("lambda i, n, s: np.maximum(pool(i, n, s), 0)", "0 is no lower limit"),
        ("lambda i, n, s: sliding_window_view(i, (n, n)).max(axis=(2, 3))", "not by one"),
        ("lambda i, n, s: F.max_pool2d(tensor(i), n, s, ceil_mode=True)[0, 0]", "stick out"),
        ("lambda i, n, s: sliding_window_view(i, (n, n))[::s, ::s].mean(axis=(2, 3))", "the mean"),
        (
            "lambda i, n, s: sliding_window_view(i, (n, n))[::s, ::s].max(axis=3)",
            "\\*one\\* number",
        ),
        ("lambda i, n, s: pool(i[:-1, :-1], n, s)", "last windows are missing"),
        ("lambda i, n, s: pool(i, n, s).max(axis=0)", "one number for each window is expected"),
        ("lambda i, n, s: i.reshape(len(i) // n, n, 2, n).max((1, 3))", "blocks that touch"),
        ("lambda i, n, s: -pool(-i, n, s)", "is wrong"),
    ],
    "log_softmax": [
        ("lambda z: np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))", "whose logarithm"),
        ("lambda z: np.log(special.softmax(z, axis=1))", "whose logarithm"),
        ("lambda z: special.softmax(z, axis=1)", "that is softmax"),
        ("lambda z: np.log(z / z.sum(axis=1, keepdims=True))", "0 or negative"),
        ("lambda z: special.logsumexp(z, axis=1)", "one number for each logit"),
        ("lambda z: z - special.logsumexp(z, axis=1)", "all numbers of its own row"),
        ("lambda z: special.log_softmax(z, axis=0)", "each column has one"),
        ("lambda z: special.log_softmax(z, axis=1) / np.log(2)", "that is log2"),
        ("lambda z: special.log_softmax(z, 1) + z.max(1)[:, None]", "not from the logits"),
        ("lambda z: np.log(special.softmax(z, axis=1) + 1e-12)", "bounds it"),
        ("lambda z: -special.log_softmax(z, axis=1)", "the sign"),
        ("lambda z: z - special.logsumexp(z)", "each \\*row\\*"),
        ("lambda z: z", "is wrong"),
        ("lambda z: np.log(np.exp(z - z.max()) / np.exp(z - z.max()).sum(1)[:, None])", "−inf"),
    ],
    "receptive_field": [
        ("lambda n: 1 + sum(k - 1 for k, s in n)", "s times as large"),
        ("lambda n: sum(k for k, s in n)", "adds k − 1|s times as large|is wrong"),
        ("lambda n: RIGHT['receptive_field'][0](n[::-1])", "from the first layer"),
        ("lambda n: counted(n) - 1", "one too few"),
        ("lambda n: math.prod(k for k, s in n)", "not multiplied|is wrong"),
        ("lambda n: late(n) if n else 0", "without a layer|too early"),
        ("late", "counted one layer too early"),
        ("lambda n: n[0][0]", "IndexError|s times as large|is wrong"),
        ("lambda n: counted(n) * 1.0", "a whole number is wanted"),
        ("lambda n: counted(n[:4])", "is wrong"),
    ],
    "mean_pool_backward": [
        ("spread", "its share"),
        ("lambda d, n: spread(d, n) / n", "each share is too large"),
        ("lambda d, n: first_only(d, n)", "every pixel of the block"),
        ("lambda d, n: first_only(d, n) / n**2", "every pixel of the block"),
        ("lambda d, n: np.tile(d, (n, n)) / n**2", "side by side"),
        ("lambda d, n: d / n**2", "the result's shape is"),
    ],
}

RIGHT = {
    "output_size": [
        chain,
        by_meta,
        lambda i, n: math.floor(chain(i, n, lambda a, b: a / b)),  # the floors of all layers in one
        lambda i, n: np.int64(chain(i, n, lambda a, b: math.floor(a / b))),
        lambda i, n: by_meta(by_meta(i, n[:1]), n[1:]),
    ],
    "count_parameters": [
        by_layers,
        lambda c, k, b: sum(o * i * k * k + (o if b else 0) for i, o in pairs(c)),
        lambda c, k, b: torch.tensor(by_layers(c, k, b)),
    ],
    "channels_conv": [
        convolve_channels,
        conv_by_loop,
        lambda x, k, b, s: by_channel(x, k, s).sum(axis=1) + b[:, None, None],
        lambda x, k, b, s: F.conv2d(*(torch.tensor(a).float() for a in (x, k, b)), stride=s),
    ],
    "pad_same": [
        pad_by_index,
        pad_by_torch,
        lambda i, r, c: pad(i, (r - 1) // 2, r // 2, (c - 1) // 2, c // 2).astype(np.float32),
    ],
    "numeric_gradient": [
        slopes,
        put_back,
        lambda f, w: slopes(f, w, 1e-7, both=False),
        lambda f, w: torch.tensor(slopes(f, w)),
    ],
    "training_step": [one_step(), one_batch, scaled_after],
    "convolve2d": [
        lambda i, k: signal.convolve2d(i, k, "valid"),
        lambda i, k: signal.convolve2d(i, k, "valid").astype(np.float32),
        lambda i, k: F.conv2d(
            torch.tensor(i)[None, None], torch.tensor(k[::-1, ::-1].copy())[None, None]
        )[0, 0],
        lambda i, k: correlate(i, np.rot90(k, 2)).tolist(),
    ],
    "dilated": [
        lambda i, k, d: F.conv2d(
            torch.tensor(i)[None, None], torch.tensor(k)[None, None], dilation=d
        )[0, 0],
        lambda i, k, d: sum(
            k[r, s]
            * i[
                r * d : len(i) - (k.shape[0] - 1 - r) * d,
                s * d : i.shape[1] - (k.shape[1] - 1 - s) * d,
            ]
            for r, s in np.ndindex(k.shape)
        ),
    ],
    "max_pool": [
        lambda i, n, s: F.max_pool2d(torch.tensor(i)[None, None], n, s)[0, 0],
        lambda i, n, s: np.array(
            [
                [i[r : r + n, c : c + n].max() for c in range(0, i.shape[1] - n + 1, s)]
                for r in range(0, len(i) - n + 1, s)
            ]
        ),
    ],
    "log_softmax": [
        lambda z: torch.tensor(z).log_softmax(dim=1),
        lambda z: torch.tensor(z).float().log_softmax(dim=1),
        lambda z: torch.nn.LogSoftmax(dim=1)(torch.FloatTensor(z)),
        lambda z: F.log_softmax(torch.Tensor(z), dim=1).tolist(),
        lambda z: special.log_softmax(z.astype(np.float32), axis=1),
        lambda z: special.log_softmax(z, axis=1),
        lambda z: z - special.logsumexp(z, axis=1, keepdims=True),
    ],
    "receptive_field": [
        lambda n: (
            1 + sum((k - 1) * math.prod(s for _, s in n[:place]) for place, (k, _) in enumerate(n))
        ),
        lambda n: (
            1 + sum((k - 1) * int(np.prod([s for _, s in n[:i]])) for i, (k, _) in enumerate(n))
        ),
        counted,
    ],
    "mean_pool_backward": [
        lambda d, n: spread(d, n) / (n * n),
        lambda d, n: F.interpolate(torch.tensor(d)[None, None], scale_factor=n)[0, 0] / n**2,
        lambda d, n: (
            ndimage.zoom(d, n, order=0, grid_mode=True, mode="nearest") / n**2 if n > 1 else d
        ),
    ],
}
