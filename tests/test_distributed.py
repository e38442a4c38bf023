"""The torchrun script: two processes do what one does, and say it once."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_utils import distributed

if sys.platform == "win32":
    pytest.skip("torchrun and gloo are not in every torch for Windows", allow_module_level=True)
SCRIPT = Path(distributed.__file__)
STEPS, BATCH = 12, 16
COMMAND = [f"--steps={STEPS}", f"--batch={BATCH}"]
WORKER = """
import os, sys
from safetensors.torch import save_file
from course_utils import distributed

def train_and_save(*arguments, train=distributed.train, **options):
    save_file(train(*arguments, **options).state_dict(), f"{os.environ['RANK']}.safetensors")

distributed.train = train_and_save
sys.exit(distributed.main(sys.argv[1:]))
"""


def surroundings(**more):
    """The shell's variables for a child: no GPU, one thread, not a part of another torchrun."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return kept | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"} | more


@pytest.fixture
def on_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.delenv("RANK", raising=False)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes print, and the weights that each has at the end."""
    from safetensors.torch import load_file

    folder = tmp_path_factory.mktemp("two")
    (folder / "worker.py").write_text(WORKER, encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launch, "worker.py", *COMMAND], cwd=folder, text=True, encoding="utf-8", timeout=120,
        env=surroundings(PYTHONPATH=str(SCRIPT.parent.parent)), capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, [load_file(folder / f"{rank}.safetensors") for rank in (0, 1)]


def read(printed):
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))  # one line a step
    assert all(line.keys() == {"step", "loss"} for line in lines)
    return [line["loss"] for line in lines]


def test_two_processes_train_as_one_does(two, on_cpu, capsys, monkeypatch):
    kept = []
    train = distributed.train
    monkeypatch.setattr(distributed, "train", lambda *a, **k: kept.append(train(*a, **k)))
    assert not distributed.main(COMMAND)
    losses = read(capsys.readouterr().out)
    assert read(two[0]) == pytest.approx(losses, rel=1e-4)
    assert sum(losses[-4:]) < 0.95 * sum(losses[:4])
    for name, weight in kept[0].state_dict().items():
        assert torch.allclose(weight, two[1][0][name], atol=1e-4), name


def test_only_rank_0_prints_and_both_end_with_the_same_weights(two):
    printed, (first, second) = two
    read(printed)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_no_layer_looks_at_other_pictures():
    model = distributed.same_on_any_split(distributed.small_resnet(), torch.device("cpu"))
    x = torch.rand(6, 1, 28, 28, dtype=torch.float64)
    halves = torch.cat([model(half) for half in x.chunk(2)])
    assert torch.allclose(model(x), halves, atol=1e-12) and model.training


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--steps", "0"], "distributed: steps must be a whole number from 1, got 0\n"),
        (["--batch", "0"], "distributed: batch must be a whole number from 1, got 0\n"),
        (
            ["--batch", "10001"],
            "distributed: batch must be 1 … 10000, divisible by 1 (processes), got 10001\n",
        ),
    ],
)
def test_a_bad_argument_is_one_sentence(arguments, sentence, on_cpu, capsys):
    assert distributed.main(arguments) == 1
    assert capsys.readouterr() == ("", sentence)
    assert not torch.distributed.is_initialized()


def test_two_processes_say_once_what_is_wrong():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "course_utils.distributed", "--batch", "33"],
            env=surroundings(RANK=str(rank), LOCAL_RANK=str(rank), LOCAL_WORLD_SIZE="2", **place),
            cwd=SCRIPT.parent.parent, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=60) for process in both]
        said = [(out, re.sub(r"^\[W.*\[c10d\].*\n", "", err, flags=re.M)) for out, err in said]
    finally:  # torch warns where no network names this machine
        for process in both:
            process.kill()
    sentence = "distributed: batch must be 1 … 10000, divisible by 2 (processes), got 33\n"
    assert said == [("", sentence), ("", "")]
    assert [process.returncode for process in both] == [1, 1]
