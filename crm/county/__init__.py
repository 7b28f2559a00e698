"""What one county is made of, read from its folder: units, matters, places, catalogue."""
