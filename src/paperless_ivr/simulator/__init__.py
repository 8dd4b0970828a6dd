"""A telephone in the browser that makes real calls, with the reference service as back end."""
