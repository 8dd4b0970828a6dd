"""The parts that servers share: limits on connections, and HTTP within those limits."""
