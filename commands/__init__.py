"""The commands, one in each module; nothing else prints.

To add one, write its module, and list it in `cli.py`.
"""
