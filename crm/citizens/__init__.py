"""Citizens who have called before: who they are, and what they reported."""
