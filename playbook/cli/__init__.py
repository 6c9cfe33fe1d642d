"""One module a command; each offers ``command``, a click command, and imports only what it needs."""
