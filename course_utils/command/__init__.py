"""What stands behind `uv run course …`; no lesson imports it.

The command:    cli; lab, readiness (`course check`), kernels, lab_config/
Notebooks:      notebook_files, saved_widgets (what a saved notebook keeps of its explorers)
Of a chapter:   editions/ (for the student, for the lecture, on paper), progress/, collecting/
For authors:    authors, preview, translation/ (into Korean)
"""
