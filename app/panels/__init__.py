"""The parts of the window, one panel a file: they show values and ask for changes."""
