"""The docs, and the scripts that keep them correct."""
