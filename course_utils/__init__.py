"""From pixels to computer vision: what the four notebooks import, so that they show the lesson.

Data:         data (data/ → arrays), image_files (your own), synthetic_scenes (made, with their
              truth), downloads (data sets and trained detectors, fetched only when you ask)
By hand:      filters, numpy_layers (NumPy, as chapters 1 and 2 type them)
Networks:     models, efficientnet; training, profiling (sizes and times), distributed (two GPUs)
Chapter 4:    detection/, segmentation/, image_generation/
On the page:  figures, korean_fonts, progress; explorers/ (sliders), exercises/ (and questions)
Around it:    doctor (a chapter's first cell), files, errors, argument_checks/ (what is accepted),
              command/ (what stands behind `uv run course …`)

Each room imports only from those below it: `[tool.importlinter]` in pyproject.toml.
"""
