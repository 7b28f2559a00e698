"""Finding orders: by number, telephone, words, unit, state, area and time; lists of them, and their export."""
