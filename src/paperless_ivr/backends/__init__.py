"""The port to the billing service, and a module for each kind of back end."""
