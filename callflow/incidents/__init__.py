"""Incidents: every minute without a human on the line is on record (第二条)."""
