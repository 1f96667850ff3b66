"""Where a model claims more than its input says, and what would teach it not to."""
