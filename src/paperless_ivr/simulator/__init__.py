"""A telephone in the browser, for trying and watching real calls against the reference service."""
