"""The parts that all servers share: limits on connections, and HTTP within those limits."""
