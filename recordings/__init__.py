"""What was said: capture, archive, retention, integrity, transcripts."""
