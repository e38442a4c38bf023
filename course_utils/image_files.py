"""Picture files to arrays and back: a student's own photos, and 1-bit bitmaps."""

import io
import math
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.argument_checks.pictures import require_bits
from course_utils.errors import ArgumentError, DataError
from course_utils.files import cleaned, find, write_whole

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
MAX_PIXELS = 65_000_000  # decoded at once; telephones take up to 64 megapixels so
MAX_STREAMED = 210_000_000  # a JPEG that is shrunk row by row while it is decoded
MAX_BYTES = 200_000_000
JPEG = b"\xff\xd8\xff"  # how each begins


def load_image(path, gray=False, longest_side=None):
    """Read a picture file of your own.

    path: str or Path of a PNG, JPEG, WebP, GIF (first frame), BMP, TIFF or PPM file,
        relative to the notebook's folder. As pasted: quotes, spaces around it, file:// are left
        out, and either Unicode form is found.
    gray: False → (H, W, 3) uint8 RGB; True → (H, W) uint8 luma (Rec. 601).
    longest_side: shrink so that neither side is longer, in pixels; None keeps the size. A JPEG
        then takes little memory, and may have up to 210 megapixels.
    A photo is turned upright (EXIF); transparency is laid over white; palette, gray and CMYK
    become RGB; 16 bits a channel become 8 (gray is rounded, colour loses its low byte).
    Raises DataError (with the file's name) if it is missing, cut off, no picture, or larger than
    65 megapixels: the size is read before the pixels, so a decompression bomb never unpacks.
    """
    name = Path(_checked_path(path)).name
    try:
        path, hint = find(path)
        name = path.name
        if hint is not None:
            hint = hint or "; check the name and the folder"
            raise DataError(f"no picture at {path.absolute()}{hint}")
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{name} is larger than {MAX_BYTES // 10**6} MB; save a smaller copy")
        data = path.read_bytes()
    except (OSError, RuntimeError) as problem:
        if isinstance(problem, DataError):
            raise
        raise DataError(
            f"{name} cannot be read ({getattr(problem, 'strerror', problem)})"
        ) from None
    return decode_image(data, name, gray, longest_side)


def _checked_path(path):
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path must be a text or a Path, got a {type(path).__name__}")
    return path


def decode_image(data, name, gray=False, longest_side=None):
    """The bytes of a picture file → array, as `load_image`; `name` is for the messages."""
    if longest_side is not None:
        longest_side = whole_number("longest_side", longest_side, 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is checked below, broken EXIF is harmless
            picture = _opened(data)
    except Image.DecompressionBombError as problem:
        raise DataError(f"{name} is refused: {problem}; resize it first") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{name} is not a picture that can be read ({', '.join(FORMATS)}); "
            f"it starts with {data[:8]!r}. Save it again as PNG or JPEG"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError) as problem:
        raise DataError(f"{name} is cut off or damaged ({problem}); get a whole copy") from None
    kind = picture.format
    _limit_size(picture, data, name, longest_side)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
    except Exception as problem:  # Pillow's decoders raise many types on damaged bytes
        raise DataError(f"{name} is cut off or damaged ({problem}); get a whole copy") from None
    picture = _to_rgb(picture, kind, name)
    if longest_side is not None:
        picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return np.array(picture.convert("L") if gray else picture)


def _opened(data):
    """The picture in the bytes, not decoded yet."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        if not data.startswith(JPEG):
            raise
        return JpegImageFile(io.BytesIO(data))  # past Pillow's limit: `_limit_size` has its own


def _limit_size(picture, data, name, longest_side):
    """Refuse a picture that is too large; have a JPEG shrunk, coarsely, while it is decoded."""
    width, height = picture.size
    pixels = width * height
    small = data.startswith(JPEG) and (
        pixels <= MAX_PIXELS or (pixels <= MAX_STREAMED and _is_streamed(data))
    )
    if small and longest_side is not None:
        for spare in (2, 1):  # twice the size that is asked for, if that is not too large
            room = max(width, height) // (spare * longest_side)
            parts = next((parts for parts in (8, 4, 2) if parts <= room), 1)
            if pixels / parts**2 <= MAX_PIXELS:
                picture.draft(None, (max(1, width // parts), max(1, height // parts)))
                return
    if pixels > MAX_PIXELS:
        fix = "Give longest_side=2000, which shrinks it" if small else "Resize it first"
        raise DataError(
            f"{name} declares {width} × {height} = {math.ceil(pixels / 1e5) / 10} megapixels; "
            f"at most {MAX_PIXELS // 1_000_000} are read at once. {fix}"
        )


def _is_streamed(data):
    """Whether a JPEG can be decoded row by row: its first scan holds all colours, whole."""
    place, colours = 2, None
    while place + 10 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xDA:
            return data[place + 4] == colours
        if marker in (0xC0, 0xC1):
            colours = data[place + 9]
        elif 0xC2 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # progressive, …
            return False
        place += 1 if marker == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return False


def _to_rgb(picture, kind, name):
    """Any mode that Pillow opens → 8-bit RGB."""
    if picture.mode == "F":
        raise DataError(f"{name} holds 32-bit floats, which have no fixed range; save it as 8-bit")
    if picture.mode.startswith("I"):
        if picture.mode == "I" and kind == "TIFF":
            raise DataError(f"{name} holds 32-bit integers; save it with 8 or 16 bits a channel")
        values = np.asarray(picture).astype(np.uint32)
        picture = Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def save_bitmap(path, bits, overwrite=False):
    """Write a 1-bit image to `path`: .pbm (plain text, black = 1) or .png.

    bits: (H, W) of 0 and 1, 1 = black. Raises ArgumentError for other values, other endings,
    or an existing file (unless overwrite), also one whose name only looks the same. The file
    appears whole or not at all.
    """
    path = Path(cleaned(_checked_path(path)))
    given, bits = bits, as_array("bits", bits)
    if bits.ndim != 2 or not bits.size:
        raise ArgumentError(f"bits must be (H, W) of 0 and 1, got shape {bits.shape}")
    require_bits("bits", given, bits)
    if path.suffix.lower() not in (".pbm", ".png"):
        raise ArgumentError(f"path must end in .pbm or .png, got {path.name!r}")
    if path.suffix.lower() == ".pbm":
        rows = "\n".join(" ".join(str(int(bit)) for bit in row) for row in bits)
        data = f"P1\n{bits.shape[1]} {bits.shape[0]}\n{rows}\n".encode()
    else:
        file = io.BytesIO()
        Image.fromarray(bits == 0).save(file, format="PNG")
        data = file.getvalue()
    try:
        path, hint = find(path, Path.exists)
        if hint is None and not overwrite:
            raise ArgumentError(
                f"{path.name} exists already; choose another name, or overwrite=True"
            )
        folder, hint = find(path.parent, Path.is_dir)
        if hint is not None:
            hint = hint or "; create it, or choose another"
            raise DataError(f"no folder {folder.absolute()}{hint}")
        write_whole(folder / path.name, data)
    except (OSError, RuntimeError) as problem:
        if isinstance(problem, DataError):
            raise
        reason = getattr(problem, "strerror", problem)
        raise DataError(
            f"{path.name} cannot be written: {reason}; choose another folder than {path.parent}"
        ) from None


def own_picture(name, **options):
    """A picture of your own as `load_image` reads it, or None, with a word, if it is not there.

    name: as `path` of `load_image`, which takes the options, too. For a cell that runs on without.
    """
    path, hint = find(_checked_path(name))
    if hint is None:
        return load_image(path, **options)
    print(f"no {name} here: left out{hint}")
    return None


def load_bitmap(path):
    """Read a picture as a 1-bit image: (H, W) uint8, 1 where it is darker than middle gray."""
    return (load_image(path, gray=True) < 128).astype(np.uint8)
