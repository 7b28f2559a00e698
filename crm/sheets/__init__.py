"""Tables from outside: spreadsheets and documents as rows of cells, and their columns found by title."""
