"""Programs that run the rivals, each in the rival's own Python: they import nothing of ours."""
