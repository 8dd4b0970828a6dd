"""What must last: the activity record, live calls, deferred requests."""
