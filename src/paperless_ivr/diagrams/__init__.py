"""Pictures of the call flow, drawn from the live table in the words of the call."""
