"""Pictures of the call flow, painted from the live table in the words of the call."""
