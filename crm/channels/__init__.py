"""Demands that reach the centre without a call: counter, web, 110 transfer, letter, upper level (第九条)."""
