"""Simulations with known truth: the project's own statistics, checked as a method's operating characteristics.

Each module has a function `list_checks()`; `registry` lists the modules, and `experiments.audit` runs them.
"""
