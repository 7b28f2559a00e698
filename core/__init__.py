"""What every part stands on: database, clock, policy, identity, jobs, events, errors."""
