"""Sources: what Asterisk's live events and journals say, as facts. Pure; a line without meaning yields none."""
