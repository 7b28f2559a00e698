"""SMS to citizens: texts, gateways, and the proof of what became of each."""
