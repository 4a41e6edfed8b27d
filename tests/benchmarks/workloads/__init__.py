"""The work, a family a module. It is done in processes of its own, one for every variant."""
