"""A kit for writing adapters and tests: contracts, simulated callers, and simulated runtimes."""
