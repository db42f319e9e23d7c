"""Tests of who computes."""
