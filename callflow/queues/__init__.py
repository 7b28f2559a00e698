"""Queues: one per agent pool; app_queue decides who is next, PostgreSQL holds what a queue is."""
