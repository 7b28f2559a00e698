"""Kept places 保留排队: a caller hangs up, a channel waits in the queue instead, the citizen is called back in turn."""
