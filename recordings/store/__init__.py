"""Where recordings lie: a port, a folder, a bucket."""
