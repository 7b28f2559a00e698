"""The layers of a transcript: what each model heard, and what people corrected over it. Nothing is ever overwritten."""
