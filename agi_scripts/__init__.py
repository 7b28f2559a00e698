"""Scripts that Asterisk starts by itself, whether the service runs or not: pyst2 and the standard library only."""
