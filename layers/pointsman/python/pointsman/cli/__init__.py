"""The command line: a module a group of commands. Heavy imports wait until a command needs them."""
