import os
import sys

# The tests start hundreds of processes, each of which would otherwise compile every module that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
