"""Alarms 应急通知: a unit that got an emergency is called and written to, one contact after the other."""
