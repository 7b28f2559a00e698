"""Conversations with a caller, one per file; each reads as it is spoken."""
