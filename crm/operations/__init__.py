"""What the operations dashboard knows beside the health of the parts: backups, what waits for the city, SMS (F06-3)."""
