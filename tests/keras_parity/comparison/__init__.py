"""Tests of the parts of a check."""
