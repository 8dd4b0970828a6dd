"""The docs, with the scripts that keep them true."""
