"""A site that uses what sites use: one module for each library, with a mistake and its corrected twin."""
