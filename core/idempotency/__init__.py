"""An act that is asked for twice happens once: the answer is kept under the key that the program chose."""
