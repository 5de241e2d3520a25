"""What follows from the declaration: one module for each kind of file. tools/generate.py runs them."""
