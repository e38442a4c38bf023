"""Exercises of chapter 4, by topic: boxes, detection, segmentation, generation, style."""

from course_utils.exercises import boxes, detection, generation, segmentation, style
from course_utils.exercises.computer_vision_questions import QUESTIONS
from course_utils.exercises.engine import doors

TOPICS = (boxes, detection, segmentation, generation, style)
EXERCISES = {name: exercise for topic in TOPICS for name, exercise in topic.EXERCISES.items()}

check, ask = doors(EXERCISES, QUESTIONS)
