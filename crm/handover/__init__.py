"""Shift handover 交接班: what one shift tells the next, and matters that stay open until somebody closes them."""
