"""The reference CloudIVR service: its contract, its database, and how it is served."""
