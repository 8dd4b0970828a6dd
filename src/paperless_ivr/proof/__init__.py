"""A proof that walks every call that a policy allows and checks the invariants at every move."""
