"""The call itself, as pure functions: what can happen, what is said, and what it waits for."""
