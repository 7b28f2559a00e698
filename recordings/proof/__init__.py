"""What was said stays provable: daily seals over the catalogue, proofs for single recordings, and the check of all."""
