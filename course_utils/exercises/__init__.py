"""Exercises, questions and predictions: a package a chapter; beside them what serves all chapters.

A check:        engine (`check`, `hint`), cases, results, raised (exceptions), hints, stubs
A clinic:       clinic (the student writes a test), asserted
A question:     questions
A prediction:   predictions, guesses (what is shown), kept (what stays in the student's folder)
A package:      on_demand (its `doors`, with `check`, are imported when first asked for)
"""
