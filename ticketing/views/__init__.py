"""The organiser's pages about what is sold."""
