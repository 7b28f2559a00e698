"""Measurements that a person starts: `make bench-line`, `make bench-speech`."""
