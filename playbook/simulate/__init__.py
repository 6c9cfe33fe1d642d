"""Seeded telemetry: one function an actor, the same seed gives the same bytes, and no clock is read."""
