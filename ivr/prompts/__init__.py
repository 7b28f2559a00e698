"""What the caller hears: texts in a catalogue, rendered at install; a recorded human voice replaces any by name."""
