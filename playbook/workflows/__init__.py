"""The durable workflows over the record: short ones, each step a plain function that may run twice."""
