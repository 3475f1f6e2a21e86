"""JEMC's ablations: which rows there are, what is trained for them, and what is told of them."""
