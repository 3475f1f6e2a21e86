"""The subcommands of `affect`, by what they are for. Importing them imports no torch."""
