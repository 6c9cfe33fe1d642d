"""Where detections come from: one product a file or folder."""
