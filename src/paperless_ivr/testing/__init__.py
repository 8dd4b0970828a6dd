"""The kit for those who write adapters and tests: contracts, simulated callers and runtimes."""
