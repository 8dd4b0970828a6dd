"""The call itself, pure: what may happen, what is said, what is waited for."""
