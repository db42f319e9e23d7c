"""Tests of each form of a report."""
