"""Small interpreters of query languages: they run the text that our renderers print, and refuse what is not sure."""
