"""Real models, each with its expected verdict: the parity engine's main bench."""
