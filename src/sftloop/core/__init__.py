"""The ground floor: errors, files, JSON Lines, run directories, seeds, settings, progress."""
