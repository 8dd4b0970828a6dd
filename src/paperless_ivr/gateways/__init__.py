"""One module per IVR runtime. They do not import one another."""
