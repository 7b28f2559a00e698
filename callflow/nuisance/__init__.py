"""Nuisance callers 恶意骚扰来电: registered by two people, limited and never blocked, until a day of review."""
