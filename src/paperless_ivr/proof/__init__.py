"""The proof: every call that a policy allows is walked, and held to what must hold."""
