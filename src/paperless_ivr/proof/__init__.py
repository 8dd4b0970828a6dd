"""The proof: every call that a policy lets happen, walked and held against invariants."""
