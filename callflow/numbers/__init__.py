"""Numbers: 12345 and the hotlines merged into it."""
