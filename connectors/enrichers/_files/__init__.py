"""What enrichers that read administrators' files share."""
