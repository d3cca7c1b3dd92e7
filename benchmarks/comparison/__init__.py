"""The comparison that `bench.py` makes: its parts, their results, and the page that shows them.

Each part is a module with its `TITLE`, with `measure(form, folder)`, which gives each value as a
row, with `section(result)`, the page's table, and with `draw(result, axes)`, its plot.
"""
