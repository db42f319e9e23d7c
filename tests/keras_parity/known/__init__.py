"""Tests of the known divergences."""
