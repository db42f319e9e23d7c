"""Tests of the parts of a reduction."""
