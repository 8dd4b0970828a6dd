"""What every server keeps to with its peers: bounds on connections, and HTTP within them."""
