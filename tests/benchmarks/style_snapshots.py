"""The pictures of `style_explorer`: `uv run python tests/benchmarks/style_snapshots.py`.

Every content in every style at every ratio β/α, at one thread, as JPEG into data/style/, with
SETTINGS.json; then the lines for data/SHA256SUMS. With the argument `large` only one picture of
512 pixels, about five minutes. One line a picture: its last losses, the
process's own seconds, and what they would be if every step were as quick as the quickest tenth: a
busy neighbour stretches them.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import hashlib  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from course_utils.data import FOLDER, load_photo, load_texture  # noqa: E402
from course_utils.explorers.style import LARGE  # noqa: E402
from course_utils.files import write_whole  # noqa: E402
from course_utils.image_generation.style import transfer_style, vgg_features  # noqa: E402

RATIOS = (0.01, 0.1, 1, 10, 100)
SETTINGS = {"alpha": 1, "tv": 1, "steps": (50, 20), "size": 192}
QUALITY = 88
LARGE_SETTINGS = {"alpha": 1, "beta": 10, "tv": 1, "steps": (50, 40, 40), "size": 512}


def originals():
    """Dicts of name → picture (H, W, 3) uint8: contents and styles."""
    contents = {name: load_photo(name) for name in ("astronaut", "china")}
    styles = {
        "starry_night": load_photo("starry_night")[30:-30, 30:-30],  # without its frame
        "monalisa": load_photo("monalisa"),
        "texture_brick": np.stack(3 * [load_texture("brick")], axis=2),
    }
    return contents, styles


def clocked(network):
    """A list that gets the process's seconds whenever the network is called."""
    clock = []
    network.register_forward_pre_hook(lambda *_: clock.append(time.process_time()))
    return clock


def quiet_seconds(clock, first, last):
    """What the steps of one picture take when each is as quick as the quickest of its size."""
    calls = np.diff(clock)[2:]  # two calls at each size see the content and the style
    parts = calls[: first - 1], calls[first + 2 :]
    return sum(n * np.quantile(part, 0.1) for n, part in zip((first, last), parts, strict=True))


def main(folder, contents, styles, ratios=RATIOS, settings=SETTINGS):
    """Compute, write, and print the lines of the manifest."""
    network = vgg_features()
    clock = clocked(network)
    folder.mkdir(exist_ok=True)
    losses, sums = {}, {}

    def save(name, picture):
        file = io.BytesIO()
        picture.save(file, format="JPEG", quality=QUALITY)
        write_whole(folder / name, file.getvalue())
        sums[name] = hashlib.sha256(file.getvalue()).hexdigest()

    for name, picture in (contents | styles).items():
        shrunk = Image.fromarray(picture)
        shrunk.thumbnail((settings["size"],) * 2, Image.Resampling.LANCZOS)
        save(f"{name}.jpg", shrunk)
    for content, picture in contents.items():
        for style, model in styles.items():
            for ratio in ratios:
                clock.clear()
                start = time.process_time()
                done = transfer_style(picture, model, beta=ratio, network=network, **settings)
                seconds = time.process_time() - start
                name = f"{content}-{style}-{ratio:g}.jpg"
                save(name, Image.fromarray(done.picture))
                parts = (done.content, done.style, done.variation)
                losses[name] = [float(f"{part[-1]:.3g}") for part in parts]
                quiet = quiet_seconds(clock, *settings["steps"])
                print(f"{name}: content, style, variation {losses[name]}; {seconds:.1f} cpu-s, "
                      f"{quiet:.1f} at the quickest", flush=True)  # fmt: skip
    told = {"contents": list(contents), "styles": list(styles), "ratios": ratios,
            "settings": settings | {"quality": QUALITY}, "losses": losses}  # fmt: skip
    data = (json.dumps(told, indent=1) + "\n").encode()
    write_whole(folder / "SETTINGS.json", data)
    sums["SETTINGS.json"] = hashlib.sha256(data).hexdigest()
    for name in sorted(sums):
        print(f"{sums[name]}  style/{name}")


def large(folder, settings=LARGE_SETTINGS):
    """One picture larger than the explorer's; prints its losses and its line of the manifest."""
    contents, styles = originals()
    start = time.process_time()
    done = transfer_style(
        contents["china"], styles["starry_night"], network=vgg_features(), **settings
    )
    seconds = time.process_time() - start
    file = io.BytesIO()
    Image.fromarray(done.picture).save(file, format="JPEG", quality=QUALITY)
    write_whole(folder / LARGE, file.getvalue())
    print(
        f"{LARGE}: content {done.content[-1]:.3g}, style {done.style[-1]:.3g}; {seconds:.0f} cpu-s"
    )
    print(f"{hashlib.sha256(file.getvalue()).hexdigest()}  style/{LARGE}")


def small():
    """Two small pictures, into a folder that goes again."""
    contents, styles = originals()
    first = [dict([next(iter(pictures.items()))]) for pictures in (contents, styles)]
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder), *first, (1,), SETTINGS | {"steps": (3, 3), "size": 48})
        large(Path(folder), LARGE_SETTINGS | {"steps": (2, 2, 2), "size": 64})


if __name__ == "__main__":
    if sys.argv[1:] == ["large"]:
        large(FOLDER / "style")
    else:
        main(FOLDER / "style", *originals())
