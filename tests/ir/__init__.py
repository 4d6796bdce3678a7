"""Programs: what they hold, what is checked of them, and how they run in NumPy."""
