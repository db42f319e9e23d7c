"""Our training against hand-written native loops, side by side in one run."""
