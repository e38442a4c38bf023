"""The LeNet of chapter 2's project: `uv run python tests/benchmarks/lenet_weights.py`.

Trains the LeNet of section 2.3 with the recipe of 2.23, five epochs of the 60,000 training digits,
one thread, and writes its weights as float16 into data/weights/; then the line for
data/SHA256SUMS. Prints how many of the 10,000 test digits are read, and how many of the 100 from
number 2,000 on, which are the project's; the test digits take no part in the training.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import hashlib  # noqa: E402

import torch  # noqa: E402
from mnist_recipes import tensors  # noqa: E402
from safetensors.torch import save  # noqa: E402
from torch import nn  # noqa: E402

from course_utils.data import FOLDER  # noqa: E402
from course_utils.files import write_whole  # noqa: E402
from course_utils.training import evaluate, fit, shift_pixels  # noqa: E402

FILE = "weights/lenet_mnist_fp16.safetensors"


class LeNet(nn.Sequential):
    """(N, 1, 28, 28) → (N, 10), as in section 2.3; its layers with weights have names."""

    def __init__(self):
        super().__init__()
        for name, layer in (
            ("conv1", nn.Conv2d(1, 6, 5, padding=2)), ("pool1", nn.MaxPool2d(2)),
            ("relu1", nn.ReLU()), ("conv2", nn.Conv2d(6, 16, 5)), ("pool2", nn.MaxPool2d(2)),
            ("relu2", nn.ReLU()), ("flatten", nn.Flatten()), ("full1", nn.Linear(400, 120)),
            ("relu3", nn.ReLU()), ("full2", nn.Linear(120, 84)), ("relu4", nn.ReLU()),
            ("full3", nn.Linear(84, 10)),
        ):  # fmt: skip
            self.add_module(name, layer)


def trained(train, epochs, seed=0):
    """A LeNet that is trained, in float32, with its weights rounded to float16."""
    torch.manual_seed(seed)
    model = LeNet()
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    fit(model, *train, epochs=epochs, batch_size=128, loss=loss, augment=shift_pixels,
        bfloat16=False, seed=seed)  # fmt: skip
    return model.half().float()


def main(epochs=5, count=60000, keep=True):
    """Train, print the scores and, if they are kept, write the weights."""
    torch.set_num_threads(1)
    train, test = [part[:count] for part in tensors("train")], tensors("test")
    model = trained(train, epochs)
    print(f"test digits read: {evaluate(model, *test):.2%} of 10,000", end="")
    print(f", {evaluate(model, *(part[2000:2100] for part in test)):.0%} of the project's 100")
    data = save({name: value.half() for name, value in model.state_dict().items()})
    if keep:
        write_whole(FOLDER / FILE, data)
        print(f"{hashlib.sha256(data).hexdigest()}  {FILE}  ({len(data):,} bytes)")


def small():
    """The shortest run: nothing is written."""
    main(1, 200, keep=False)


if __name__ == "__main__":
    main()
