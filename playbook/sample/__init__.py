"""Package data: the sample day that `make run` judges; made by scripts/build_sample.py."""
