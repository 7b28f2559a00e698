"""话务质检: calls drawn by a plan, scored by criteria, looked at twice, objected to once and decided (第七条(四))."""
