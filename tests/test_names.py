"""Names as people give them: found if nothing else can be meant, else a near one is offered."""

import ast
import re
import shutil
import unicodedata

import numpy as np
import pytest
import requests
from PIL import Image

from course_utils import downloads, files
from course_utils.command import cli, notebook_files
from course_utils.data import load_cutout, load_photo, load_texture
from course_utils.errors import CourseError, DataError, require_option
from course_utils.explorers.pixel_editor import PixelEditor
from course_utils.files import cleaned, find, nearest
from course_utils.image_files import load_bitmap, load_image, own_picture, save_bitmap
from explorer_faces import named
from notebooks_as_files import CHAPTERS, ROOT, code_cells, read

HERE = "한글 é"  # the folder in which each test works

# as it is given, of a name that stands on the disk: nothing else can be meant
SAME = {
    "composed": lambda name: unicodedata.normalize("NFC", name),
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "quoted": lambda name: f'"{name}"',
    "quoted by a word processor": lambda name: f"“{name}”",
    "one quote too many": lambda name: f"{name}'",
    "spaces around it": lambda name: f"  {name}\t\n",
    "a space that does not break": lambda name: name.replace(" ", "\u00a0") + "\u00a0",
    "copied from Windows' properties": lambda name: f"\u202a{name}",
    "unseen signs": lambda name: f"\ufeff{name[:2]}\u200b{name[2:]}",
    "all of it": lambda name: f' "\u200e{unicodedata.normalize("NFD", name)}" ',
}

# file on the disk, of a picture asked for as "고양이 cat.jpg": this may be meant
ALIKE = ["고양이 cat.JPG", "고양이 Cat.jpg", "고양이 cat.jpg.jpg", "고양이 cat.jpg.png",
         "고양이 cat.jpeg", "고양이 cat.png", "고양이 cat (1).jpg", "고양이 cat-Copy1.jpg",
         "고양이 cats.jpg", "고양이 ｃａｔ.jpg", "고양이 cat.JPG.jpg"]  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with a name of its own, which is the present one."""
    (folder := tmp_path / HERE).mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(folder, name, form="NFC"):
    """A small picture under a name in one of Unicode's forms; returns its path."""
    path = folder / unicodedata.normalize(form, name)
    Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).save(path, format="PNG")
    return path


def edited(name):
    """What the pixel editor says after "load"."""
    editor = PixelEditor([[0, 0], [0, 0]], file="x.pbm")
    controls = named(editor.panel)
    controls["file"].value = str(name)
    controls["load"].click()
    said = editor.panel.children[-1].text
    if "not loaded: " in said:
        raise DataError(said.split("not loaded: ")[1])
    return editor.bits


def shown(name):
    """What the cell of chapter 4 gets; the word that it prints, as an error."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", said.append)
        image = own_picture(name)
    if image is None:
        raise DataError(*said)
    return image


READERS = {"load_image": load_image, "load_bitmap": load_bitmap, "own_picture": shown,
           "PixelEditor": edited}  # fmt: skip
readers = pytest.mark.parametrize("reader", READERS)


@readers
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("way", SAME)
def test_a_picture_is_found_however_its_name_is_given(here, reader, form, way):
    put(here, "고양이 cat é.png", form)
    for name in ("고양이 cat é.png", str(here / "고양이 cat é.png")):
        assert READERS[reader](SAME[way](name)).shape[:2] == (2, 2)


@readers
def test_a_picture_is_found_by_its_address_and_in_folders(here, reader, monkeypatch):
    (here / "사진 1").mkdir()
    path = put(here / "사진 1", "고양이.png", "NFD")
    for name in (
        path,
        path.as_uri(),
        f'"{path.as_uri()}"',
        r"사진 1\고양이.png",
        "사진 1/고양이.png",
    ):
        assert READERS[reader](name).shape[:2] == (2, 2)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(here))
    assert READERS[reader]("~/사진 1/고양이.png").shape[:2] == (2, 2)


@readers
@pytest.mark.parametrize("there", ALIKE)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_picture_that_may_be_meant_is_offered(here, reader, there, form):
    put(here, there, form)
    if (here / "고양이 cat.jpg").exists():
        pytest.skip("this disk takes both names for one")
    with pytest.raises(DataError) as caught:
        READERS[reader]("고양이 cat.jpg")
    offered = re.search(r"did you mean '(.+)'\?", str(caught.value))[1]
    assert READERS[reader](offered).shape[:2] == (2, 2)  # the advice, followed to the letter


@readers
def test_what_is_copied_from_jupyterlab_is_offered(here, reader):
    put(here, "my_photo.jpg")
    with pytest.raises(DataError, match=r"did you mean 'my_photo\.jpg'\?"):
        READERS[reader]("notebooks/my_photo.jpg")


@readers
def test_nothing_alike_is_not_offered_and_a_twin_not_taken(here, reader):
    put(here, "dog.png")
    for name in ("고양이.png", "https://example.org/dog.png", "~nobody-here/cat.png"):
        with pytest.raises(DataError) as caught:
            READERS[reader](name)
        assert "did you mean" not in str(caught.value)
    put(here, "a\u2003b.png")
    assert READERS[reader]("a b.png").shape[:2] == (2, 2)
    put(here, "a\u00a0b.png")
    with pytest.raises(DataError, match="did you mean"):
        READERS[reader]("a b.png")


def test_a_name_that_is_there_is_taken_as_it_is(here):
    Image.new("L", (5, 5)).save(here / "'x'.png")
    put(here, "x.png")
    assert load_image("'x'.png").shape[:2] == (5, 5) and load_image("x.png").shape[:2] == (2, 2)


def test_an_address_of_the_web_gets_a_word(here):
    with pytest.raises(DataError, match="save what is there as a file first"):
        load_image("https://example.org/cat.png")


@pytest.mark.parametrize("way", SAME)
def test_saving_leaves_the_same_out_and_makes_no_twin(here, way):
    bits = np.array([[0, 1], [1, 1]], np.uint8)
    save_bitmap(SAME[way]("고양이 é.png"), bits)
    assert [unicodedata.normalize("NFC", path.name) for path in here.iterdir()] == ["고양이 é.png"]
    for form in ("NFC", "NFD"):
        with pytest.raises(CourseError, match="exists already"):
            save_bitmap(unicodedata.normalize(form, "고양이 é.png"), 1 - bits)
        save_bitmap(unicodedata.normalize(form, "고양이 é.png"), bits, overwrite=True)
    assert len(list(here.iterdir())) == 1 and load_bitmap("고양이 é.png").tolist() == bits.tolist()
    save_bitmap("FACE.PBM", bits)
    assert load_bitmap("FACE.PBM").tolist() == bits.tolist()


def test_saving_into_a_folder_as_it_is_given(here):
    (here / unicodedata.normalize("NFD", "사진")).mkdir()
    save_bitmap(unicodedata.normalize("NFC", "사진/a.png"), [[1]])
    assert load_bitmap("사진/a.png").tolist() == [[1]]
    with pytest.raises(DataError, match=r"no folder .*did you mean 'Photos'\?"):
        (here / "Photos").mkdir() or save_bitmap("photoz/a.png", [[1]])


# the command line


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("way", SAME)
def test_progress_finds_a_folder_however_its_name_is_given(here, form, way, capsys):
    folder = here / unicodedata.normalize(form, "제출 1")
    folder.mkdir()
    shutil.copy(CHAPTERS[0], folder)
    for name in ("제출 1", str(folder)):
        assert cli.main(["progress", SAME[way](name)]) == 0
    assert capsys.readouterr().out.count("01_image_data: 0 solved") == 2


def test_progress_offers_a_folder(here, capsys):
    (here / "Homework").mkdir()
    (here / "homework.txt").touch()
    assert cli.main(["progress", "homewrk"]) == 1
    assert "did you mean 'Homework'?" in capsys.readouterr().err
    assert cli.main(["progress", "~nobody-here/x"]) == 1 and cli.main(["progress", "x" * 999]) == 1
    assert capsys.readouterr().err.count("there is no notebook or folder") == 2


@pytest.mark.parametrize("way", SAME)
def test_chapters_and_notebooks_are_found_however_they_are_given(here, way, monkeypatch):
    for name in ("2", "02", "002", "２", "02_cnn", "02_cnn.ipynb", "notebooks/02_cnn.ipynb",
                 str(CHAPTERS[1]), r"notebooks\02_cnn.ipynb", CHAPTERS[1].as_uri()):  # fmt: skip
        assert (
            cli.find_chapter(SAME[way](name)) == cli.find_notebook(SAME[way](name)) == CHAPTERS[1]
        )
    copy = here / "숙제 é (2).ipynb"
    copy.write_text("{}")
    monkeypatch.setattr(notebook_files, "ROOT", here.parent)
    for name in (copy.name, f"{HERE}/{copy.name}", str(copy)):
        assert cli.find_notebook(SAME[way](name)).samefile(copy)


@pytest.mark.parametrize("command", ["lab", "live", "student", "slides", "handout", "refresh"])
def test_every_command_offers_a_chapter(command, capsys, here):
    for name, meant in (("02_CNN", "02_cnn.ipynb"), ("03_cnn_evolutoin.ipynb", "03_cnn_evolution")):
        assert cli.main([command, name]) == 1
        assert f"did you mean '{meant}" in capsys.readouterr().err


def test_lab_offers_a_notebook(here, capsys, monkeypatch):
    (here / "Homework 1.ipynb").write_text("{}")
    monkeypatch.setattr(notebook_files, "ROOT", here.parent)
    assert cli.main(["lab", "homework1.ipynb"]) == 1
    assert "did you mean 'Homework 1.ipynb'?" in capsys.readouterr().err


# downloads and variables


@pytest.mark.parametrize("way", SAME)
def test_downloads_are_found_in_a_folder_however_it_is_given(here, way, monkeypatch):
    kept = here / unicodedata.normalize("NFD", "받은 것 é")
    (kept / "cifar10").mkdir(parents=True)
    weights = kept / downloads._torchvision("mask_rcnn")[1].url.rsplit("/", 1)[1]
    weights.write_bytes(b"no weights")
    for name in ("받은 것 é", str(kept)):
        monkeypatch.setenv("COURSE_DOWNLOADS", given := SAME[way](name))
        for folder in (None, given):
            assert downloads.downloaded("cifar10", folder).samefile(kept / "cifar10")
            assert downloads.fetch("cifar10", folder).samefile(kept / "cifar10")
            assert downloads.fetch_detector("mask_rcnn", folder).samefile(weights)
            with pytest.raises(DataError, match="does not hold the weights"):
                downloads.pretrained_detector("mask_rcnn", folder)


def test_a_file_that_a_browser_named_otherwise_is_offered(here, monkeypatch):
    def cut(*_):
        raise requests.ConnectionError("no network")

    (here / "cifar-10-python (1).tar.gz").write_bytes(b"")
    monkeypatch.setattr(downloads, "RETRIES", 0)
    monkeypatch.setattr(downloads.pooch, "HTTPDownloader", lambda **_: cut)
    with pytest.raises(DataError, match=r"did you mean 'cifar-10-python \(1\)\.tar\.gz'\?"):
        downloads.fetch("cifar10", here)


# names of options


COFFEES = ["Coffee", "COFFEE", " coffee", "'coffee'", "coffee.jpg", "Coffee.JPG", "cofee",
           "\u200bcoffee", "ｃｏｆｆｅｅ"]  # fmt: skip


@pytest.mark.parametrize("given", COFFEES)
def test_an_option_that_may_be_meant_is_offered(given):
    with pytest.raises(CourseError, match=r"did you mean 'coffee'\?"):
        load_photo(given)
    with pytest.raises(CourseError, match=r"did you mean 'coffee'\?"):
        require_option("name", given, ["tea", "coffee"])


def test_other_options_follow():
    for call, meant in (
        (lambda: load_texture("Brick.jpg"), "brick"),
        (lambda: load_cutout("Birds", "owl"), "bird"),
        (lambda: downloads.downloaded("CIFAR-10"), "cifar10"),
        (lambda: downloads.pretrained_detector("Mask R-CNN"), "mask_rcnn"),
    ):
        with pytest.raises(CourseError, match=rf"did you mean '{meant}'\?"):
            call()


# the function itself


def test_what_is_left_out_of_a_name():
    assert cleaned(" “a  b”\n") == "a b" and cleaned("") == cleaned(" '\" ") == ""
    assert cleaned(unicodedata.normalize("NFD", "고양이")) == "고양이"


def test_the_nearest_of_several_is_the_one_with_most_in_common():
    known = ["img.png", "IMG.JPG", "img.jpg.jpg", "other.jpg"]
    assert nearest("img.jpg", known) == "IMG.JPG" and nearest("zzz", known) is None
    assert nearest("img.jpg", []) is None and nearest("", known) is None


ODD = ["", " ", ".", "..", "/", "\0", "a\0b", "x" * 5000, "\udc80", "\\", "~", "~x", "file://",
       "file:", "file:///", "'", "C:\\x\\y.png"]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_no_name_raises(here, name):
    for suits in (files.Path.is_file, files.Path.is_dir, files.Path.exists):
        path, hint = find(name, suits)
        assert isinstance(path, files.Path) and isinstance(hint, str | None)


def test_a_place_that_may_not_be_looked_at_says_so(here):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    assert find("x.png", refuse)[1] == " (Permission denied)"


# who takes names at all

WORDS = {"path", "paths", "file", "files", "folder", "folders", "chapter", "chapters", "page"}
DOORS = {  # asked above with names as people give them
    "image_files.load_image", "image_files.save_bitmap", "image_files.load_bitmap",
    "explorers.pixel_editor.PixelEditor", "command.notebook_files.find_chapter",
    "command.notebook_files.chapter_paths", "command.progress.solved.report",
    "downloads.downloaded", "downloads.keep_in", "downloads.fetch",
    "downloads.fetch_detector", "downloads.pretrained_detector",
}  # fmt: skip
INSIDE = {  # get what `find_chapter` has found, files of the course, Jupyter's folders, modules
    "data": {"read_checked"},
    "files": {"find", "write_whole", "how_to_restore", "how_to_update"},
    "explorers.outlines": {"set_outline"},
    "exercises.kept": {"read_kept", "update"},
    "exercises.predictions": {"predictions_of", "guesser"},
    "exercises.guesses": {"watch", "Guess"},
    "command.collecting.class_answers": {"answers", "of_notebook", "name_of"},
    "command.collecting.collect": {"collect"},
} | dict.fromkeys(["doctor"] + [f"command.{name}" for name in (
    "authors", "readiness", "notebook_files", "saved_widgets", "cli", "progress.predicted",
    "editions.edition", "editions.live", "editions.notes", "editions.pages", "editions.slides",
    "editions.typed_cells", "editions.working_copies", "translation.korean",
    "translation.korean_page", "translation.catalogs", "translation.package_texts",
    "translation.translate")])  # fmt: skip


def takers():
    """Each public function, or class, of the package that takes a path by its parameter's name."""
    for file in sorted((ROOT / "course_utils").rglob("*.py")):
        module = ".".join(file.relative_to(ROOT / "course_utils").with_suffix("").parts)
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            made = [node] if isinstance(node, ast.FunctionDef) else []
            if isinstance(node, ast.ClassDef):
                made = [part for part in node.body if getattr(part, "name", "") == "__init__"]
            for function in made:
                taken = {one.arg for one in function.args.args + function.args.kwonlyargs}
                if taken & WORDS and not node.name.startswith("_"):
                    yield module, node.name


def test_everything_that_takes_a_name_is_known_here():
    found = set(takers())
    for module, name in found:
        inside = module in INSIDE and (INSIDE[module] is None or name in INSIDE[module])
        assert f"{module}.{name}" in DOORS or inside, f"{module}.{name}: does it use `find`?"
    assert {f"{module}.{name}" for module, name in found} >= DOORS
    assert {"load_image", "load_bitmap", "own_picture", "PixelEditor"} == READERS.keys()


def test_no_cell_looks_for_a_file_by_itself():
    for path in CHAPTERS:
        for cell in code_cells(read(path)):
            looks = re.search(r"\bPath\(|\.(exists|is_file|is_dir)\(\)|\bopen\(", cell.source)
            assert not looks or "downloaded(" in cell.source, (path.name, cell.id)
