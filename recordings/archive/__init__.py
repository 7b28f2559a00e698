"""From the spool to the archive, and from the archive to the ear."""
