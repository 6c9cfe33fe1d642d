"""Tables about the outside world, generated or reviewed: each row with its source, each table with its date."""
