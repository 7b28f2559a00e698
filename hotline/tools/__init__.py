"""Tools that exercise a running instance with real SIP calls."""
