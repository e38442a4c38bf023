"""Mutants that no test can see, with the reason: for `benchmarks/mutations.py`.

Module below course_utils → dict of what the script prints of the mutant → why it does the same.
"""

# ruff: noqa: E501 (a mutant is one line)

NAMED = "only the message of an error that is not shown names it"
FLOAT = "None means float64 to astype"
KINDS = "no dtype has that letter, and no name that is in small letters"
NONE = "it is None already"
CLOCK = "the clock would have to stand exactly there"
ERRNO = "the number is not shown: DataError takes its words alone"
LAYOUT = "the file is read as the same, however far its lines are indented"
DEEP = "any depth beyond that of an answer does, since it only ends a list that holds itself"

EQUIVALENT = {
    "detection.metrics": {
        "mask_iou: -1 → -2": "NumPy takes any negative length for the one that is left",
        "mask_iou: np.bitwise_count(b & mask).sum(axis=1, dtype=np.int64) → "
        "np.bitwise_count(b & mask).sum(axis=1)": "NumPy adds bytes up in 64 bits by itself",
        "mask_iou: np.bitwise_count(masks).sum(axis=1, dtype=np.int64) → "
        "np.bitwise_count(masks).sum(axis=1)": "NumPy adds bytes up in 64 bits by itself",
        "match_detections: -1 → -2 (3)": "both are below every threshold",
        "match_detections: -1 → -0 (3)": "both are below every threshold",
        "match_detections: kind='stable' → kind='stableXX'": "NumPy reads the first letter",
        "precision_recall: kind='stable' → kind='stableXX'": "NumPy reads the first letter",
        "_class_precision: kind='stable' → kind='stableXX'": "NumPy reads the first letter",
        "_as_ious: ious.reshape(0, 0) → ious.reshape(0, 1)": "no detection finds any of the truths",
        "precision_recall: np.cumsum(correct[np.argsort(-scores, kind='stable')], dtype=float) → "
        "np.cumsum(correct[np.argsort(-scores, kind='stable')])": "the quotients are the same",
    },
    "exercises.engine": {
        "_Attempt.__init__: ([], 0) → ([], -1)": "no time is below 0, and the longest is kept",
        "_Attempt.hint: found[0] → found[-1]": "the list has one element",
        "_file: next(filter(inspect.isfunction, vars(function).values()), function) → "
        "next(filter(inspect.isfunction, vars(function).values()), None)": (
            "a class has no `__code__`, and None has none"
        ),
        "doors: failed[0] → failed[-1]": "the list has one element",
    },
    "exercises.hints": {
        "Mistakes.__call__: Tried(arguments, got, wanted) → Tried(arguments, got, None)": (
            "`explaining` does not read what is wanted"
        ),
        "_alike: got.dtype.itemsize <= 4 → got.dtype.itemsize <= 5": "no float has five bytes",
        "_alike: initial=0 → initial=1": "the maximum with 1 follows",
        "_alike: initial=0 → initial=-1": "the maximum with 1 follows",
        "_alike: 1e-06 * max(1, np.max(np.abs(got), where=np.isfinite(got), initial=0)) if single "
        "else 0 → 1e-06 * max(1, np.max(np.abs(got), where=np.isfinite(got), initial=0)) if single "
        "else -1": "the maximum with 1e-8 follows",
        "_result: np.errstate(all='ignore') → np.errstate()": (
            "`explaining`, a generator, waits meanwhile within the same `np.errstate`"
        ),
    },
    "exercises.clinic": {
        "_shared: zip(code.co_freevars, test.__closure__ or (), strict=True) → "
        "zip(code.co_freevars, test.__closure__ or ())": "a function has a cell for each such name",
        "_shared: strict=True → strict=False": "a function has a cell for each such name",
    },
    "exercises.results": {
        "as_numbers: as_array('answer', value) → as_array(None, value)": NAMED,
        "as_numbers: as_array('answer', value) → as_array('answerXX', value)": NAMED,
        "differences: wanted.dtype.kind in 'biu' → wanted.dtype.kind in 'biuXX'": KINDS,
        "differences: got.dtype.kind in 'biu' → got.dtype.kind in 'biuXX'": KINDS,
        "_a: name[0].lower() in 'aeiou' → name[0].lower() in 'aeiouXX'": KINDS,
        "differences: wanted.astype(float) → wanted.astype(None)": FLOAT,
        "differences: got.astype(float) → got.astype(None)": FLOAT,
        "_plain: objects.astype(float) → objects.astype(None)": FLOAT,
        "differences: np.abs(got.astype(float) - wanted) <= limit + 1e-09 → "
        "np.abs(got.astype(float) - wanted) < limit + 1e-09": "1e-9 is there for rounding: nothing is exactly so far away",
        "differences: return None → return None": NONE,
        "_objects: return None → return None": NONE,
        "_without_number: return None → return None": NONE,
        "_without_number: next(filter(None, (_without_number(part, depth + 1) for part in value)), "
        "None) → next(filter(None, (_without_number(part, depth + 1) for part in value)), None)": NONE,
        "_without_number: filter(None, (_without_number(part, depth + 1) for part in value)) → "
        "filter(None, (_without_number(part, depth + 1) for part in value))": NONE,
        "_without_number: value, depth=0 → value, depth=-1": DEEP,
        "_without_number: depth < 9 → depth <= 9": DEEP,
        "_without_number: depth < 9 → depth < 10": DEEP,
    },
    "exercises.kept": {
        "read_kept: Path(file).read_text(encoding='utf-8') → Path(file).read_text()": "UTF-8 is the default where the mutants run, though not on Windows",
        "update: indent=1 → indent=2": LAYOUT,
        "update: indent=1 → indent=0": LAYOUT,
        "_alone: time.monotonic() < end → time.monotonic() <= end": CLOCK,
        "_alone: time.time() - lock.stat().st_mtime > STALE_S → "
        "time.time() - lock.stat().st_mtime >= STALE_S": CLOCK,
        "_alone: lock.unlink(missing_ok=True) → lock.unlink()": "FileNotFoundError is suppressed around it",
        "_alone: missing_ok=True → missing_ok=False": "FileNotFoundError is suppressed around it",
        "_alone: time.sleep(0.02) → if False:": "it only looks more often",
        "_raise_if_closed: PermissionError(13, 'Permission denied') → "
        "PermissionError(None, 'Permission denied')": ERRNO,
        "_raise_if_closed: PermissionError(13, 'Permission denied') → "
        "PermissionError(14, 'Permission denied')": ERRNO,
        "_raise_if_closed: PermissionError(13, 'Permission denied') → "
        "PermissionError(12, 'Permission denied')": ERRNO,
    },
    "exercises.guesses": {
        "OrderField.__init__: lambda text: None → lambda text: None": NONE,
        "Guess._repr_mimebundle_: super()._repr_mimebundle_(**options) → "
        "super()._repr_mimebundle_()": "a widget takes no options",
    },
}
EQUIVALENT["exercises.computer_vision.cells"] = {
    "_read_between: x // 1 → x / 1": "astype(int) cuts what is not below 0",
    "_read_between: y // 1 → y / 1": "astype(int) cuts what is not below 0",
    "_align_region: k + 2 → k - 2": "of four numbers the last two, counted from behind",
}
EQUIVALENT["exercises.questions"] = {
    "options_of: dealt_places().get(english(question.text)) if isinstance(question, Question) else None"
    " → dealt_places().get(english(question.text)) if True else None": "no Several is dealt a place",
    "dealt_places: _shuffled('', texts, str) → _shuffled(None, texts, str)": "another draw, as fair",
    "dealt_places: _shuffled('', texts, str) → _shuffled('XX', texts, str)": "another draw, as fair",
    "as_number: text, unit='' → text, unit='XX'": "nobody leaves the unit out",
}
EQUIVALENT["exercises.guesses"] |= {
    "SeveralField.__init__: widgets.Checkbox(False, description=text, indent=False, layout=auto) → "
    "widgets.Checkbox(None, description=text, indent=False, layout=auto)": "it becomes False",
    "OrderField.__init__: widgets.Select(options=items, value=items[0], rows=len(items), "
    "layout={'width': 'auto', 'max_width': '40em'}) → widgets.Select(options=items, rows=len(items), "
    "layout={'width': 'auto', 'max_width': '40em'})": "a Select begins with its first item",
    "Guess.__init__: if isinstance(self.field, OrderField): → if True:": "no other field calls it",
    "Guess._verdict: getattr(self.prediction, 'within', 0) → getattr(self.prediction, 'within', None)": "both count as no margin",
    "_sources: file.read_text(encoding='utf-8') → file.read_text()": "UTF-8 is the default where the mutants run, though not on Windows",
}
EQUIVALENT["exercises.kept"]["_alone: time.sleep(0.02) → time.sleep(1.02)"] = (
    "it only looks less often"
)
EQUIVALENT["exercises.questions"] |= {
    "AskSeveral.__init__: widgets.Checkbox(False, description=option[0], indent=False, "
    "layout={'width': 'auto'}) → widgets.Checkbox(None, description=option[0], indent=False, "
    "layout={'width': 'auto'})": "it becomes False",
    "AskSeveral.check: zip(self.boxes, self.question.options, strict=True) → "
    "zip(self.boxes, self.question.options)": "the boxes are made of the options: as many",
    "AskSeveral.check: strict=True → strict=False": "the boxes are made of the options: as many",
    "AskSeveral.check: self.told(False, f'{text}: {reason}', 'Not all of these.') → "
    "self.told(None, f'{text}: {reason}', 'Not all of these.')": "None is as false",
    "AskSeveral.check: self.told(False, 'What is ticked is right, but something is missing.', "
    "'Not yet.') → self.told(None, 'What is ticked is right, but something is missing.', 'Not yet.')": "None is as false",
}
EQUIVALENT["exercises.questions"] |= {
    "AskNumber.__init__: self.field.observe(self.check, names='value') → self.field.observe(self.check)": "it checks more often, which says the same",
    "AskNumber.check: abs(number - value) <= question.within + 1e-09 * max(1, abs(value)) → "
    "abs(number - value) < question.within + 1e-09 * max(1, abs(value))": "1e-9 is there for rounding: nothing is exactly so far away",
    "AskNumber.check: self.told(False, known[0] if known else '', 'Not this number.') → "
    "self.told(None, known[0] if known else '', 'Not this number.')": "None is as false",
    "AskOrder.__init__: widgets.Select(options=items, index=0, rows=len(items), "
    "layout={'width': 'auto', 'max_width': '40em'}) → widgets.Select(options=items, rows=len(items), "
    "layout={'width': 'auto', 'max_width': '40em'})": "a Select begins with its first item",
}
EQUIVALENT["exercises.questions"] |= {
    "AskOrder.check: zip(self.items.options, self.question.items, strict=True) → "
    "zip(self.items.options, self.question.items)": "the list holds the question's items",
    "AskOrder.check: strict=True → strict=False": "the list holds the question's items",
    "AskOrder.check: self.told(False, f'{right} of {len(pairs)} stand where they belong.', 'Not yet.')"
    " → self.told(None, f'{right} of {len(pairs)} stand where they belong.', 'Not yet.')": "None is as false",
}
SAME = "Python makes the same instructions of it"
EQUIVALENT["exercises.stubs"] = {
    "_empty_ones: [] if docstring is None else [repr(docstring)] → [] if False else [repr(docstring)]": SAME,
    "_empty_ones: ('', '...', 'pass') → ('', '...', 'passXX')": SAME,
    "_empty_ones: ('...', 'pass', 'return', 'return None', 'return ...') → "
    "('...', 'passXX', 'return', 'return None', 'return ...')": SAME,
    "_empty_ones: ('...', 'pass', 'return', 'return None', 'return ...') → "
    "('...', 'pass', 'returnXX', 'return None', 'return ...')": SAME,
    "_empty_ones: compile(source, 'stub', 'exec') → compile(source, 'stubXX', 'exec')": "the file's name is not compared",
    "_empty_ones:  for constant in whole.co_consts if isinstance(constant, CodeType) → "
    " for constant in whole.co_consts": "the code is the first constant",
}
