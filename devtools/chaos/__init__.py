"""Fault experiments: the product in production form, people who use it, a fault, and the books afterwards.

Modules: `installation` (everything that runs), `background`, `proxy` and `mail_sink` (the neighbours and how they
fail), `people`, `traffic` and `measurements` (who visits and what they saw), `seed` (what is sold), `books`, `provider`
and `checks` (what is there afterwards), `faults` (the experiments), `trial` (one experiment from start to end), `report`.
"""
