"""From pixels to computer vision: what the four notebooks of the course import."""
