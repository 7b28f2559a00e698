"""联动: whom citizens are put through to in an emergency, and what others hand over to us, on record (第十四条)."""
