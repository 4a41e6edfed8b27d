"""Stands for the label printer's driver: it takes its time and prints one label."""

import sys
import time

time.sleep(0.2)
print(f"To: {sys.argv[1]}, from Foxglove Books", end="")
