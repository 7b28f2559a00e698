"""What staff see: desks in the browser, JSON API, live hints."""
