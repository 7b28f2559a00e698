"""Emergencies 突发事件: recognised in words, proposed, decided by people, handled as one event (第十四条)."""
