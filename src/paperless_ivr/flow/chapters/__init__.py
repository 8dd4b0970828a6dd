"""The chapters of the call. Each defines the blocks of its states."""
