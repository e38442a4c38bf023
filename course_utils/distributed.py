"""`uv run torchrun --nproc-per-node 2 -m course_utils.distributed --steps 20 --batch 64`"""

import argparse
import json
import os
import sys

import torch
from torch import distributed, nn

from course_utils.argument_checks.arrays import whole_number
from course_utils.data import load_fashion_mnist
from course_utils.errors import ArgumentError
from course_utils.models import small_resnet


def start():
    """Join the other processes, or be the only one; returns this process's device."""
    one = {} if "RANK" in os.environ else dict(store=distributed.HashStore(), rank=0, world_size=1)
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    cuda = distributed.is_nccl_available() and torch.cuda.device_count() >= processes
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else None
    distributed.init_process_group("nccl" if cuda else "gloo", device_id=device, **one)
    return device or torch.device("cpu")


def same_on_any_split(model, device):
    """The model on its device, such that how a batch is split does not matter to it."""
    # BatchNorm takes mean and variance of its own process's slice: two processes would train
    # another network than one. SyncBatchNorm asks the others, but works on CUDA only. GroupNorm
    # looks at each picture alone; float64 keeps rounding, which training amplifies, out of sight.
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model).to(device)
    for name, part in list(model.named_modules()):
        if isinstance(part, nn.BatchNorm2d):
            model.set_submodule(name, nn.GroupNorm(8, part.num_features))
    return model.double()


def train(device, steps=20, batch=64):
    """Train on this process's slice of each batch; returns the network. Rank 0 prints the loss."""
    images, labels = map(torch.tensor, load_fashion_mnist())
    rank = distributed.get_rank()
    world = distributed.get_world_size()
    n = len(images)
    if whole_number("batch", batch, 1) > n or batch % world:
        raise ArgumentError(f"batch must be 1 … {n}, divisible by {world} (processes), got {batch}")
    torch.manual_seed(0)  # the same first weights and the same batches in every process
    model = nn.parallel.DistributedDataParallel(same_on_any_split(small_resnet(), device))
    optimizer = torch.optim.AdamW(model.parameters(), 0.001)
    for step in range(whole_number("steps", steps, 1)):
        chosen = torch.randperm(n)[:batch].chunk(world)[rank]
        x = images[chosen, None].to(device, next(model.parameters()).dtype) / 255
        loss = nn.functional.cross_entropy(model(x), labels[chosen].long().to(device))
        optimizer.zero_grad()
        loss.backward()  # DistributedDataParallel averages the gradients of all processes
        optimizer.step()
        distributed.all_reduce(mean := loss.detach() / world)
        if rank == 0:
            print(json.dumps({"step": step + 1, "loss": mean.item()}), flush=True)
    return model.module


def main(arguments=None):
    """Read the options and train; a bad one ends as one sentence and exit code 1."""
    parser = argparse.ArgumentParser(description="Train on one process or several.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64, help="pictures in all, a step")
    options = parser.parse_args(arguments)
    device = start()
    try:
        train(device, **vars(options))
    except ArgumentError as problem:  # the same everywhere: one process tells it, the others wait
        if distributed.get_rank() == 0:
            print(f"distributed: {problem}", file=sys.stderr, flush=True)
        distributed.barrier()
        return 1
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    sys.exit(main())
