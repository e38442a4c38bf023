"""The predictions of chapter 2: one for each prompt, answered by a cell that stands behind it."""

from course_utils.exercises.cnn.predictions import PREDICTIONS
from course_utils.exercises.predictions import Amount, Choice, Order, Several
from notebooks_as_files import CHAPTERS, read, tags

CELLS = read(next(path for path in CHAPTERS if path.stem.startswith("02"))).cells
PLACES = {cell.id: place for place, cell in enumerate(CELLS)}


def test_every_prompt_has_its_prediction():
    assert list(PREDICTIONS) == [cell.id for cell in CELLS if "predict" in tags(cell)]


def test_the_answer_stands_between_a_prompt_and_its_reading():
    for prompt, asked in PREDICTIONS.items():
        rest = CELLS[PLACES[prompt] + 1 :]
        reading = next(cell for cell in rest if "reading" in tags(cell))
        assert PLACES[prompt] < PLACES[asked.cell] < PLACES[reading.id], prompt
        assert CELLS[PLACES[asked.cell]].cell_type == "code", prompt


def test_each_prediction_can_be_answered():
    for prompt, asked in PREDICTIONS.items():
        assert asked.ask.strip() and len(asked.ask) <= 90, prompt
        if isinstance(asked, Choice):
            assert 0 <= asked.right < len(set(asked.options)) == len(asked.options), prompt
        elif isinstance(asked, Several):
            assert asked.right <= set(range(len(asked.options))), prompt
            assert 0 < len(asked.right) < len(asked.options), prompt
        elif isinstance(asked, Order):
            assert 3 <= len(set(asked.items)) == len(asked.items), prompt
        else:
            assert isinstance(asked, Amount) and asked.within >= 0, prompt
