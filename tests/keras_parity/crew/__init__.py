"""Tests of the workers' parent side."""
