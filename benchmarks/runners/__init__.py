"""One module per measured system; each is a process of its own, in its own environment.

They import nothing of each other but `job` and `step_clock`.
"""
