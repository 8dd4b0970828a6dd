"""One module per IVR runtime. Siblings do not know one another."""
