"""What all servers have in common: limits on connections, and HTTP within those limits."""
