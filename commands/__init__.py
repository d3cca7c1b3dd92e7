"""The commands, one in each module; nothing else prints."""
