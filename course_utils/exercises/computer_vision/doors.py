"""Chapter 4's exercises in the notebook's order, and its `check`, `ask` and the like."""

from course_utils.exercises.computer_vision import (
    boxes,
    cells,
    detection,
    detection_clinic,
    detection_project,
    generation,
    generation_clinic,
    masks,
    segmentation,
    style,
)
from course_utils.exercises.computer_vision.detection_clinic import crowded_pictures  # noqa: F401
from course_utils.exercises.computer_vision.detection_project import (  # noqa: F401
    show_detector,
    unseen_outputs,
)
from course_utils.exercises.computer_vision.questions import QUESTIONS
from course_utils.exercises.engine import doors
from course_utils.exercises.predictions import guesser

TOPICS = (boxes, cells, detection, segmentation, masks, generation, style)
LAST = (detection_clinic, generation_clinic, detection_project)  # behind the sections
ORDER = (  # as in the notebook
    "to_cxcywh",
    "iou_table",
    "average_precision_one",
    "answering_cell",
    "soft_scores",
    "box_of_cell",
    "regression_targets",
    "align_region",
    "mean_iou_one",
    "unpool",
    "transposed_conv_1d",
    "mask_iou_table",
    "mask_ap_one",
    "panoptic_quality_maps",
    "nearest_index",
    "discriminator_loss",
    "best_discriminator",
    "least_squares_step",
    "total_variation",
    "match_statistics",
)
_ALL = {name: exercise for topic in TOPICS for name, exercise in topic.EXERCISES.items()}
EXERCISES = {name: _ALL[name] for name in ORDER}
for topic in LAST:
    EXERCISES |= topic.EXERCISES

check, ask, hint, last_case = doors(EXERCISES, QUESTIONS)
guess = guesser("computer_vision")
