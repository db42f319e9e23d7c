"""Tests of the parity engine."""
