"""Telephones in the page 网页话机: their passwords, and what an agent does there with the call in hand."""
