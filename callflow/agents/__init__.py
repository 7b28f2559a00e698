"""Agents: PostgreSQL holds intent, Asterisk holds fact, the reconciler drives fact to intent."""
