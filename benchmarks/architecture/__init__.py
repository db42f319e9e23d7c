"""What the code's own import statements say about its architecture: counts, and the drawing of docs/architecture.md."""
