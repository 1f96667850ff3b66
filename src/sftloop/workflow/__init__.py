"""One file per verb that chains parts, readable from top to bottom."""
