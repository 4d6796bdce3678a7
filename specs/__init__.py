"""The zoo: specs of published networks, and in `blocks/` the built-in blocks."""
