"""Playbook for botnet-beaconing detections (MITRE ATT&CK T1584.005).

A detection is fetched from a SIEM or from log files, enriched, judged by rules that each state one piece of
evidence, decided by a ladder whose every rung is kept, and turned into a plan that a person approves.
This package imports nothing of itself here, so that ``import playbook`` costs nothing.
"""

OURS = "botnet-playbook"
