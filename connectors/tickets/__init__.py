"""Ticket systems: one product a file."""
