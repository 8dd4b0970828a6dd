"""Pictures of the call flow, drawn from the live table and labeled with its own words."""
