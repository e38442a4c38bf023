"""From pixels to computer vision: what the four notebooks import, so that they show the lesson.

Data:         data (data/ → arrays), pictures (your own), scenes (made, with their truth),
              downloads (data sets and trained detectors, fetched only when you ask)
By hand:      filters, layers (NumPy, as chapters 1 and 2 type them; threads: their speed)
Networks:     models, efficientnet; training, measuring, distributed
Chapter 4:    detection/, segmentation/, generation/
On the page:  figures, korean_fonts, progress; explore/ (sliders), checks/ (exercises, questions)
Around it:    doctor (a chapter's first cell), files, errors, arguments/ (what is accepted),
              command/ (what stands behind `uv run course …`)

Each room imports only from those below it: `[tool.importlinter]` in pyproject.toml.
"""
