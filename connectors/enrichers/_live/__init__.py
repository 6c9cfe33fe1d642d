"""What enrichers share that ask a live server while a case is judged."""
