"""Training data: generated data sets, candidate partitions, measures, and assessors' orders of them."""
