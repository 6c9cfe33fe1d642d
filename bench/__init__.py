"""What is measured, and against whom: one module a benchmark, ``python -m bench`` prints all ratios in one run."""
