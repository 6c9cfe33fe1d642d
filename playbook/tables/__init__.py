"""Generated and reviewed tables about the outside world, each row with its source and each table with its as-of date."""
