"""The wire of a product that serves several roles, shared by its role files."""
