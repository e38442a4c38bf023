"""Chapter 3's exercises in the notebook's order, and its `check`, `ask` and the like."""

from course_utils.exercises.cnn_evolution.blocks import BLOCKS
from course_utils.exercises.cnn_evolution.clinic import CLINIC
from course_utils.exercises.cnn_evolution.norm import NORMS
from course_utils.exercises.cnn_evolution.pictures import PICTURES
from course_utils.exercises.cnn_evolution.project import PROJECT
from course_utils.exercises.cnn_evolution.questions import QUESTIONS
from course_utils.exercises.cnn_evolution.tables import TABLES
from course_utils.exercises.engine import doors
from course_utils.exercises.predictions import guesser

ORDER = (  # of the sections' exercises in the notebook
    "top_k_error",
    "network_table",
    "conv_work",
    "batch_norm_train",
    "batch_norm_eval",
    "batch_norm_backward",
    "dropout_channels",
    "crop_padded",
    "network_from_row",
    "conv_stack_cost",
    "bottleneck",
    "residual_backward",
    "place_gates",
    "nearest_mean",
)
SECTIONS = TABLES | NORMS | BLOCKS | PICTURES
EXERCISES = {name: SECTIONS[name] for name in ORDER} | CLINIC | PROJECT

check, ask, hint, last_case = doors(EXERCISES, QUESTIONS)
guess = guesser("cnn_evolution")
