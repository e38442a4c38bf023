"""Own pictures: every common kind comes out as documented, every bad one is refused by name."""

import os
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from course_utils import image_files
from course_utils.errors import ArgumentError, DataError
from course_utils.image_files import load_bitmap, load_image, save_bitmap

RED = np.zeros((2, 3, 3), np.uint8) + np.array([255, 0, 0], np.uint8)


def save(path, array, mode=None, **options):
    Image.fromarray(np.asarray(array), mode).save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "ppm", "webp", "gif", "jpg"])
def test_common_formats_become_rgb(tmp_path, ending):
    options = {"lossless": True} if ending == "webp" else {}
    image = load_image(save(tmp_path / f"한글 파일 é.{ending}", RED, **options))
    assert image.shape == (2, 3, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - RED).max() <= (2 if ending == "jpg" else 0)


def test_gray_becomes_three_equal_channels_or_stays_one(tmp_path):
    path = save(tmp_path / "gray.png", np.arange(6, dtype=np.uint8).reshape(2, 3) * 40)
    assert load_image(path)[1, 2].tolist() == [200, 200, 200]
    assert load_image(path, gray=True).tolist() == [[0, 40, 80], [120, 160, 200]]


def test_sixteen_bits_become_eight(tmp_path):
    values = np.array([[0, 257, 65535], [128 * 257, 65000, 300]], dtype=np.uint16)
    image = load_image(save(tmp_path / "deep.png", values), gray=True)
    assert image.tolist() == np.round(values / 257).astype(int).tolist()


def test_transparency_is_laid_over_white(tmp_path):
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], dtype=np.uint8)
    image = load_image(save(tmp_path / "glass.png", rgba))
    assert image[0, 0].tolist() == [255, 0, 0] and image[0, 1].tolist() == [255, 255, 255]
    assert abs(int(image[0, 2, 0]) - 127) <= 1


def test_gray_with_alpha(tmp_path):
    Image.new("LA", (2, 2), (0, 0)).save(tmp_path / "la.png")
    assert load_image(tmp_path / "la.png").tolist() == [[[255] * 3] * 2] * 2


def test_palette_with_a_transparent_colour(tmp_path):
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    picture.putpalette([0, 0, 255, 9, 9, 9])
    picture.save(tmp_path / "palette.png", transparency=1)
    assert load_image(tmp_path / "palette.png").tolist() == [[[0, 0, 255], [255, 255, 255]]]


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "print.tiff")
    assert load_image(tmp_path / "print.tiff")[0, 0].tolist() == [255, 0, 0]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    red, green, blue = load_image(tmp_path / "print.jpg")[0, 0].astype(int)
    assert red > 200 and green < 60 and blue < 60


def test_one_bit(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "bit.png")
    assert load_image(tmp_path / "bit.png", gray=True).tolist() == [[255, 0]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_photo_upright(tmp_path, orientation):
    upright = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.uint8)
    undo = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.T, 6: lambda a: np.rot90(a), 7: lambda a: a[::-1, ::-1].T,
        8: lambda a: np.rot90(a, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "turned.png", np.ascontiguousarray(undo(upright)), exif=exif)
    assert load_image(tmp_path / "turned.png", gray=True).tolist() == upright.tolist()


def test_one_pixel_and_shrinking(tmp_path):
    assert load_image(save(tmp_path / "one.png", RED[:1, :1])).shape == (1, 1, 3)
    big = save(tmp_path / "big.png", np.zeros((300, 500, 3), np.uint8))
    assert load_image(big, longest_side=100).shape == (60, 100, 3)
    with pytest.raises(ArgumentError, match="longest_side must be a whole number from 1, got 0"):
        load_image(big, longest_side=0)


def bomb(width, height):
    """A small PNG that declares width × height pixels."""

    def chunk(kind, body):
        checked = kind + body
        return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("side", "says"), [(20000, "refused|megapixels"), (12000, "megapixels")])
def test_a_bomb_is_refused_before_it_unpacks(tmp_path, side, says, recwarn):
    (tmp_path / "bomb.png").write_bytes(bomb(side, side))
    with pytest.raises(DataError, match=rf"bomb\.png.*({says}).*[Rr]esize it first"):
        load_image(tmp_path / "bomb.png")
    assert not recwarn.list


@pytest.mark.parametrize("keep", [30, 60, 200])
def test_a_cut_file_is_refused(tmp_path, keep):
    rng = np.random.default_rng(0)
    path = save(tmp_path / "cut.png", rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cut\.png .*(cut off or damaged|not a picture)"):
        load_image(path)


def test_a_cut_jpeg_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    path = save(tmp_path / "cut.jpg", rng.integers(0, 256, (90, 90, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match=r"cut\.jpg is cut off or damaged"):
        load_image(path)


def test_a_text_file_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_text("Dear all,")
    with pytest.raises(DataError, match=r"photo\.jpg is not a picture .*Dear all"):
        load_image(tmp_path / "photo.jpg")


def test_an_empty_file_a_folder_and_nothing_are_refused(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    for path, says in (("empty.png", "not a picture"), ("", "no picture at"), ("x", "no picture")):
        with pytest.raises(DataError, match=says):
            load_image(tmp_path / path)


def test_floats_are_refused_with_the_fix(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.float32)).save(tmp_path / "float.tiff")
    with pytest.raises(DataError, match=r"float\.tiff holds 32-bit floats.*save it as 8-bit"):
        load_image(tmp_path / "float.tiff")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_bytes_give_an_image_or_a_data_error(data):
    whole = bomb(5, 5)
    place = data.draw(st.integers(0, len(whole) - 1))
    bytes_ = whole[:place] + data.draw(st.binary(max_size=8)) + whole[place + 1 :]
    try:
        image = image_files.decode_image(bytes_, "x.png")
    except DataError as problem:
        assert "x.png" in str(problem)
    else:
        assert image.ndim == 3 and image.dtype == np.uint8


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))
)
def test_a_bitmap_comes_back_as_it_was(tmp_path_factory, bits):
    folder = tmp_path_factory.mktemp("bitmaps")
    for ending in ("pbm", "png"):
        save_bitmap(folder / f"face.{ending}", bits)
        assert np.array_equal(load_bitmap(folder / f"face.{ending}"), bits)


def test_a_pbm_can_be_read_by_eye(tmp_path):
    save_bitmap(tmp_path / "face.pbm", [[0, 1], [1, 1]])
    assert (tmp_path / "face.pbm").read_text() == "P1\n2 2\n0 1\n1 1\n"


def test_saving_never_overwrites_unasked(tmp_path):
    path = tmp_path / "face.pbm"
    save_bitmap(path, [[1]])
    with pytest.raises(ArgumentError, match=r"face\.pbm exists already"):
        save_bitmap(path, [[0]])
    assert load_bitmap(path).tolist() == [[1]]
    save_bitmap(path, [[0]], overwrite=True)
    assert load_bitmap(path).tolist() == [[0]] and os.listdir(tmp_path) == ["face.pbm"]


@pytest.mark.parametrize(
    ("name", "bits", "says"),
    [
        ("face.jpg", [[1]], r"path must end in \.pbm or \.png, got 'face\.jpg'"),
        ("face.pbm", [[2]], "bits must be 0 or 1, got 2 … 2"),
        ("face.pbm", [1, 0], r"got shape \(2,\)"),
        ("face.pbm", np.zeros((0, 3)), r"got shape \(0, 3\)"),
    ],
)
def test_bad_bitmaps_are_refused(tmp_path, name, bits, says):
    with pytest.raises(ArgumentError, match=says):
        save_bitmap(tmp_path / name, bits)
    assert os.listdir(tmp_path) == []


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "face.pbm"
    save_bitmap(path, [[1]])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DataError, match="cannot be written: No space left"):
        save_bitmap(path, [[0]], overwrite=True)
    assert load_bitmap(path).tolist() == [[1]] and os.listdir(tmp_path) == ["face.pbm"]


def test_saving_into_no_folder_says_so(tmp_path):
    with pytest.raises(DataError, match="no folder .*nowhere"):
        save_bitmap(tmp_path / "nowhere" / "face.pbm", [[1]])


@pytest.mark.parametrize("path", [None, 3, np.zeros((2, 2))])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ArgumentError, match="path must be a text or a Path, got a"):
        load_image(path)
    with pytest.raises(ArgumentError, match="path must be a text or a Path, got a"):
        save_bitmap(path, [[1]])


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "~nobody-here/x.png"])
def test_names_that_cannot_be_are_one_sentence(name):
    with pytest.raises(DataError, match="cannot be read|no picture at"):
        load_image(name)
    with pytest.raises(DataError, match="cannot be written|no folder"):
        save_bitmap(name, [[1]])


def test_a_huge_file_is_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "MAX_BYTES", 1000)
    (tmp_path / "huge.jpg").write_bytes(bytes(1001))
    with pytest.raises(DataError, match=r"huge\.jpg is larger than"):
        load_image(tmp_path / "huge.jpg")


def declare(path, width, height):
    """Let a JPEG declare another size."""
    data = bytearray(path.read_bytes())
    start = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    path.write_bytes(data)
    return path


PHONES = [(8064, 6048), (8160, 6120), (8192, 6144), (9248, 6936), (9280, 6944), (12000, 9000),
          (12032, 9024), (16320, 12240), (16384, 12288)]  # fmt: skip


@pytest.mark.parametrize("size", PHONES)
def test_the_photo_of_a_telephone_is_not_too_large(tmp_path, size):
    """At once up to 64 megapixels, shrunk up to 200; what the file lacks is decoded as gray."""
    path = declare(save(tmp_path / "photo.jpg", RED), *size)
    assert load_image(path, longest_side=240).shape == (180, 240, 3)
    assert (np.prod(size) <= image_files.MAX_PIXELS) == (size[0] < 12000)


def said(path, **options):
    with pytest.raises(DataError) as caught:
        load_image(path, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("width", "height"), [(8125, 8001), (7072, 9192), (13000, 5001), (12000, 9000), (65000, 60000)]
)
def test_a_refusal_never_contradicts_itself(tmp_path, width, height):
    assert width * height > image_files.MAX_PIXELS
    (tmp_path / "a.png").write_bytes(bomb(width, height))
    photo = save(tmp_path / "a.jpg", np.zeros((20, 20, 3), np.uint8))
    progressive = save(tmp_path / "p.jpg", np.zeros((20, 20, 3), np.uint8), progressive=True)
    for path in (tmp_path / "a.png", declare(photo, width, height),
                 declare(progressive, width, height)):  # fmt: skip
        text = said(path)
        if numbers := re.search(r"= ([\d.]+) megapixels; at most (\d+)", text):
            assert float(numbers[1]) > float(numbers[2])
        shrinks = path == photo and width * height <= image_files.MAX_STREAMED
        assert ("longest_side=2000" in text) == shrinks and ("esize it first" in text) != shrinks
        if not shrinks:
            assert "pixels" in said(path, longest_side=2000)


def test_a_large_jpeg_is_shrunk_while_it_is_decoded(tmp_path, monkeypatch):
    """As it would be afterwards; what must be decoded at once keeps the lower limit."""
    rng = np.random.default_rng(0)
    scene = np.kron(rng.integers(0, 256, (9, 12, 3)), np.ones((100, 100, 1))).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "turned.jpg", scene, exif=exif, quality=95)
    whole = {side: load_image(path, longest_side=side) for side in (60, 240, 500)}
    monkeypatch.setattr(image_files, "MAX_PIXELS", 300_000)
    monkeypatch.setattr(image_files, "MAX_STREAMED", 2_000_000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    for side, wanted in whole.items():
        image = load_image(path, longest_side=side)
        assert image.shape == wanted.shape == (side, side * 3 // 4, 3)
        assert np.abs(image.astype(int) - wanted).mean() < 4
    assert "megapixels" in said(path, longest_side=1100) and "longest_side=" in said(path)
    assert "esize it first" in said(save(tmp_path / "p.jpg", scene, progressive=True))
    assert "esize it first" in said(save(tmp_path / "p.png", scene), longest_side=60)


@pytest.mark.parametrize("side", ["10", 2.5, float("nan"), -1])
def test_a_side_that_is_no_size_is_refused(tmp_path, side):
    with pytest.raises(ArgumentError, match="longest_side must be a whole number from 1"):
        load_image(save(tmp_path / "red.png", RED), longest_side=side)


def test_ragged_bits_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="bits must be rectangular"):
        save_bitmap(tmp_path / "x.pbm", [[1], [0, 1]])


def test_integers_without_a_range_are_refused(tmp_path):
    Image.fromarray(np.full((2, 2), 200, np.int32)).save(tmp_path / "int.tiff")
    with pytest.raises(DataError, match=r"int\.tiff holds 32-bit integers"):
        load_image(tmp_path / "int.tiff")


def test_broken_exif_does_not_matter(tmp_path, recwarn):
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00\x12\x01\x03\x00"
    save(tmp_path / "exif.jpg", RED, exif=exif)
    assert load_image(tmp_path / "exif.jpg").shape == (2, 3, 3)
    assert not recwarn.list


def test_formats_that_run_programs_are_not_opened(tmp_path):
    Image.fromarray(RED).save(tmp_path / "x.eps")
    (tmp_path / "x.eps").rename(tmp_path / "eps.png")
    with pytest.raises(DataError, match="not a picture that can be read"):
        load_image(tmp_path / "eps.png")


def test_a_bitmap_is_what_is_darker_than_the_middle(tmp_path):
    path = save(tmp_path / "g.png", np.array([[0, 127, 128, 255]], np.uint8))
    assert load_bitmap(path).tolist() == [[1, 1, 0, 0]]
