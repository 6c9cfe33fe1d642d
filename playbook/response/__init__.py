"""Verdicts in, a plan that may be proposed out: guardrails, plan, preflight."""
