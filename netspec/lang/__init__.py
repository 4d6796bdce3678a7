"""The language: from text to a spec whose every part knows its place."""
