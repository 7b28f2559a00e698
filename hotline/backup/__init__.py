"""A copy of everything, taken while calls go on, and the way back: database, files, keys."""
