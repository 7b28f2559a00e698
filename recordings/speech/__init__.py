"""Speech to text: engines, live words, batch words."""
