"""Predictions of chapter 4: the sections 4.1 to 4.11, then 4.12 to 4.19."""

from course_utils.exercises.computer_vision import detection_predictions, segmentation_predictions

PREDICTIONS = detection_predictions.PREDICTIONS | segmentation_predictions.PREDICTIONS
