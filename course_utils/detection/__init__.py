"""Object detection: boxes and their overlap, region proposals, R-CNN, YOLO, two stages, mAP."""
