"""Real HTTP servers on the loopback address that speak chat completions."""
