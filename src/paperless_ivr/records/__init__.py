"""Durable data: the activity record, live calls, and unfinished work."""
