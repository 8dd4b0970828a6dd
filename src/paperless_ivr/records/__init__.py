"""What must last: the activity record, live calls, kept wishes."""
