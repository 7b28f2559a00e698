"""Calls that speak 通知电话: somebody outside hears a sentence and confirms it by a key."""
