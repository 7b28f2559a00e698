"""Timers: what a due instant brings about by itself, once, exactly, also after an outage."""
