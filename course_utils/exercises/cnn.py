"""Exercises of chapter 2: all tables in the notebook's order, and its `check` and `ask`."""

from course_utils.exercises import (
    cnn_clinic,
    cnn_convolution,
    cnn_layers,
    cnn_project,
    cnn_training,
)
from course_utils.exercises.cnn_questions import QUESTIONS
from course_utils.exercises.engine import doors
from course_utils.exercises.predictions import guesser

_SECTIONS = cnn_convolution.EXERCISES | cnn_layers.EXERCISES | cnn_training.EXERCISES
_ORDER = (
    "convolve2d", "channels_conv", "count_parameters", "pad_same", "output_size", "dilated",
    "max_pool", "mean_pool_backward", "receptive_field", "log_softmax", "numeric_gradient",
    "training_step",
)  # fmt: skip
EXERCISES = (
    {name: _SECTIONS[name] for name in _ORDER} | cnn_clinic.EXERCISES | cnn_project.EXERCISES
)

check, ask, hint, last_case = doors(EXERCISES, QUESTIONS)
guess = guesser("cnn")
