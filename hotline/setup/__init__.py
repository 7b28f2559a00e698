"""Everything that turns a fresh clone into a running county: a list of small steps."""
