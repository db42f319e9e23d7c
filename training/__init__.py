"""Training: the recipe, the backend's start, fit and resume, callbacks, the run folder."""
