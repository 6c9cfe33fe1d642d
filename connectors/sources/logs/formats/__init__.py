"""The log formats: one file a format, found by lying in this folder."""
