"""The command `may`: one module a command, imported only when it is called."""
