"""Tests of the package `comparing`."""
