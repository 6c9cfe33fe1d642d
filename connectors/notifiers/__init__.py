"""Who is notified and how: one product a file."""
