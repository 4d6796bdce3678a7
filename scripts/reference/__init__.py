"""The reference parts of the documentation, as Markdown made from the code that defines them."""
