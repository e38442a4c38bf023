"""What a saved notebook keeps of its explorers and questions: each as it was left, days later too.

JupyterLab saves the widgets of the running kernel alone (lab_config switches that on): a save on
the next day would forget those of the day before. So this module is an extension of the server of
`course lab`, which completes each notebook before it is written.
"""

import json
import re
from pathlib import Path

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
HARMLESS = {"text/plain", "image/png", "image/jpeg"}  # such an output can do nothing in a page
REFERENCE = re.compile(r"IPY_MODEL_(\w+)")


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(server):
    server.contents_manager.register_pre_save_hook(complete)


def complete(model, path, contents_manager, **_):
    """Complete a notebook that is about to be saved: what its outputs show, and what it may show.

    model: as Jupyter's servers pass a file; its content, a notebook as a dict, is changed in place.
    """
    if model.get("type") != "notebook":
        return
    notebook = model["content"]
    trust_harmless(notebook)
    keep_shown(notebook, Path(contents_manager.root_dir, path.strip("/")))


def trust_harmless(notebook):
    """Mark the cells whose outputs are only texts and pictures as trusted.

    Jupyter trusts a notebook as a whole: it would distrust, and not show, the widgets of a chapter
    of which some cells still have the outputs that came with it.
    """
    for cell in _code_cells(notebook):
        outputs = cell.get("outputs", [])
        if all(HARMLESS.issuperset(output.get("data", {})) for output in outputs):
            cell["metadata"]["trusted"] = True


def keep_shown(notebook, file):
    """Keep the models that outputs show: from the kernel, else from `file` as it was saved before.

    Others, as of a cell that has run again, are left out. Nothing is done to a notebook without
    models in its metadata, as where JupyterLab's setting is off.
    """
    if "widgets" not in notebook["metadata"]:
        return
    shown = [name for cell in _code_cells(notebook) for name in views(cell)]
    models = stored_models(notebook)
    if not set(shown) <= models.keys():
        models = _saved_before(file) | models
    kept = reached(models, shown)
    if kept:
        notebook["metadata"]["widgets"] = {
            STATE: {"version_major": 2, "version_minor": 0, "state": kept}
        }
    else:
        del notebook["metadata"]["widgets"]


def without_widgets(notebook):
    """Take the widgets out of a notebook, in place; their stored pictures and texts stay."""
    notebook["metadata"].pop("widgets", None)
    for cell in _code_cells(notebook):
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VIEW, None)
    return notebook


def views(cell):
    """The names of the models that the outputs of a cell show."""
    found = [output.get("data", {}).get(VIEW) for output in cell.get("outputs", [])]
    return [view["model_id"] for view in found if view and view.get("model_id")]


def stored_models(notebook):
    """Dict of name → model, as stored in a notebook; empty if none are."""
    return notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})


def reached(models, names):
    """The models of these names, and all that they are made of, as a dict of name → model."""
    found, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        if name in models and name not in found:
            found[name] = models[name]
            waiting += REFERENCE.findall(json.dumps(models[name].get("state", {})))
    return found


def _saved_before(file):
    """The models in a notebook's file; empty if it is not there, or cannot be read."""
    try:
        return dict(stored_models(json.loads(file.read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def answered_questions(notebook):
    """(right, answered): questions as the stored widgets are; (0, 0) if none are stored."""
    models, right, wrong = stored_models(notebook), 0, 0
    for cell in notebook.cells:
        shown = reached(models, views(cell)).values()
        classes = {name for model in shown for name in model["state"].get("_dom_classes", [])}
        right += "course-right" in classes
        wrong += "course-wrong" in classes
    return right, right + wrong
