"""The call flow as pure functions: its events, its prompts, and what each state waits for."""
