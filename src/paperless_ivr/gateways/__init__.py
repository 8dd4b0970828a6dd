"""Adapters to IVR runtimes. The adapters do not import one another."""
