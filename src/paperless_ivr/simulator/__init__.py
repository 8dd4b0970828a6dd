"""A telephone in the browser: real calls against the reference service, to watch and to try out."""
