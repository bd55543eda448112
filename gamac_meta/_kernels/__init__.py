"""Compiled inner loops, one module a subject."""
