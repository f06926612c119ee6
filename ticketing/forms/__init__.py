"""Forms of the pages about what is sold."""
