"""The drivers, which run calls, and the relay, which completes work left over from calls."""
