"""Ablations of JEMC (Mithun et al. 2018): the rows of the table, their trainings, and the results."""
