"""Detections in, verdicts out: merge, enrich, measure, evaluate, decide."""
