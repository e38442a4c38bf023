"""Chapter 2's exercises in the notebook's order, and its `check`, `ask` and the like."""

from course_utils.exercises.cnn import clinic, convolution, layers, project, training
from course_utils.exercises.cnn.questions import QUESTIONS
from course_utils.exercises.engine import doors
from course_utils.exercises.predictions import guesser

_SECTIONS = convolution.EXERCISES | layers.EXERCISES | training.EXERCISES
_ORDER = (
    "convolve2d", "channels_conv", "count_parameters", "pad_same", "output_size", "dilated",
    "max_pool", "mean_pool_backward", "receptive_field", "log_softmax", "numeric_gradient",
    "training_step",
)  # fmt: skip
EXERCISES = {name: _SECTIONS[name] for name in _ORDER} | clinic.EXERCISES | project.EXERCISES

check, ask, hint, last_case = doors(EXERCISES, QUESTIONS)
guess = guesser("cnn")
