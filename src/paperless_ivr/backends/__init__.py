"""The billing service: the port, and one module per way to reach it."""
