"""Chapter 1's exercises in the notebook's order, and its `check`, `ask` and the like."""

from course_utils.exercises.engine import doors
from course_utils.exercises.image_data import bitmaps, clinic, colour, project
from course_utils.exercises.image_data.questions import QUESTIONS
from course_utils.exercises.predictions import guesser

EXERCISES = bitmaps.EXERCISES | colour.EXERCISES | clinic.EXERCISES | project.EXERCISES

check, ask, hint, last_case = doors(EXERCISES, QUESTIONS)
guess = guesser("image_data")
