"""What desks read: the order page and the SMS log, each in a few queries, masked by default."""
