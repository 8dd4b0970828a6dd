"""The chapters of the call. Each state is one block, defined in the chapter it belongs to."""
