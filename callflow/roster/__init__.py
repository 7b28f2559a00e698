"""Roster 班表: who sits at a desk at every minute of the coming days (第二条), as planned and as published."""
