"""Tests of the parts of the scan."""
