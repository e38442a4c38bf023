"""Segmentation: networks, upsampling, masks of instances, panoptic pictures, their metrics."""
