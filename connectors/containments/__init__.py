"""What carries a step out on a device: one product a file or folder."""
