"""The detections: what to look for, as data, and the one reference scorer."""
