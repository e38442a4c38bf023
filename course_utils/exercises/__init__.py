"""Exercises and questions that check themselves: one module a chapter, over one engine."""
