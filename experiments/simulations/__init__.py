"""The operating characteristics of the project's own statistics, by simulations with known truth.

Each module has a function `list_checks()`; `registry` lists the modules, and `experiments.audit` runs them.
"""
