"""Runs a call: the only loops, and the only place that logs."""
