"""The call in chapters: each state is one block, in the chapter of the call that it belongs to."""
