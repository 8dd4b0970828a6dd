"""The billing service: the port, and a module for each kind of back end."""
