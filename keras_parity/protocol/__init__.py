"""What crosses the wall between the parent and its workers: plain frozen values, readable without any framework."""
