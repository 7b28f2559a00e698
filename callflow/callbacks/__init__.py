"""Call-backs: whoever gave up, was cut off or left a message is called back."""
