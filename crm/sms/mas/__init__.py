"""Cloud MAS (云MAS): China Mobile's platform for enterprises, over HTTP."""
