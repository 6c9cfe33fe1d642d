"""What SIEM sources share."""
