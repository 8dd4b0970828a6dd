"""A telephone in the browser: real calls against the reference service, to see and to try out."""
