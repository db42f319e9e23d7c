"""Faults planted one at a time into one backend: does the parity engine see them, and does it blame right?"""
