"""An answer that never ends, in a real kernel: interrupted, it is told in one sentence."""

import re
import time

import pytest
from jupyter_client.manager import start_new_kernel

START = """
import time
import numpy as np, torch
from course_utils.exercises.cnn import check
print("ready")
"""
CELL = """def receptive_field(layer_list):
    print("started", flush=True)
    seen = 1
{body}
    return seen
check("receptive_field", receptive_field)
"""
ENDLESS = {  # what the loop does → (its lines, the lines that the message may name)
    "counts": ("    while seen:\n        seen += 1", (4, 5)),
    "sleeps": ("    while True:\n        time.sleep(60)", (5,)),
    "NumPy": ("    while True:\n        np.linalg.svd(np.ones((90, 90)))", (4, 5)),
    "torch": ("    while True:\n        torch.ones(300, 300) @ torch.ones(300, 300)", (4, 5)),
    "callback": ("    while True:\n        np.vectorize(lambda v: v + 1)(np.ones(999))", (4, 5)),
    "catches": (
        "    while True:\n        try:\n            time.sleep(0.01)\n"
        "        except Exception:\n            pass",
        (4, 5, 6),
    ),
}


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(client, identity):
    """What a cell sends, until it has ended."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        message = client.get_iopub_msg(timeout=120)
        if message["parent_header"].get("msg_id") == identity:
            yield message["msg_type"], message["content"]
            if message["content"].get("execution_state") == "idle":
                return
    raise AssertionError("the cell did not end")


def run(kernel, source, interrupt=False):
    """Dict of the texts that a cell prints and the errors that it ends in."""
    manager, client = kernel
    found = {"stream": "", "error": []}
    for kind, content in messages(client, client.execute(source)):
        if kind == "stream":
            found["stream"] += content["text"]
            if interrupt and "started" in content["text"]:
                time.sleep(0.3)
                manager.interrupt_kernel()
        elif kind == "error":
            found["error"].append(content)
    return found


@pytest.mark.parametrize("loop", ENDLESS)
def test_an_interrupted_answer_is_told_in_one_sentence(kernel, loop):
    assert run(kernel, START)["stream"] == "ready\n"
    body, lines = ENDLESS[loop]
    found = run(kernel, CELL.format(body=body), interrupt=True)
    (error,) = found["error"]
    (shown,) = error["traceback"]
    assert error["ename"] == "NotRightYet" and found["stream"] == "started\n"
    assert re.match(
        r"NotRightYet: Exercise \d+, receptive_field, case 1: receptive_field\(\[\(3, 1\)\]\): "
        r"it did not end: a loop that never stops\? \(line ",
        shown,
    )
    assert any(shown.endswith(f"(line {line} of the cell)") for line in lines), shown
    assert run(kernel, "print(6 * 7)") == {"stream": "42\n", "error": []}
