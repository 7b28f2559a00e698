"""The lawful end of a recording: its key destroyed, its file removed, a signed record of it kept, and done again after
an old backup was restored."""
