"""Notices: who learns of what happened to an order, in the inbox and by SMS (requirements' notification matrix)."""
