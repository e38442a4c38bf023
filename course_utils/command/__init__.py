"""What stands behind `uv run course …`; no lesson imports it."""
