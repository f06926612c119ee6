"""What whoever runs Tiqqo does from the command line: back up, restore, upgrade.

Needs PostgreSQL's client programs, no package of development: it works in the container image.
"""
