"""Durable data: the activity record, live calls, and deferred requests."""
