"""What staff see: one module for each page and what can be done on it, each with its routes."""
