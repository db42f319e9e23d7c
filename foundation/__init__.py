"""What data, models, training and figures all stand on: errors, files, recipes, command lines. No framework."""
