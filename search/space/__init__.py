"""Spaces: what a study may try, read from YAML.

Offers:
    Space, MAXIMIZE (space): a model family, its parameters, and how a candidate is scored.
    Parameter, Choice, IntInterval, Point (parameters): a parameter and the values it may take.
    load_space, read_space, space_names (load): a space by its name, its file or its text.
    scored_by, scored_on, score_words, metric_words (score_words): how candidates are scored, in
        words, and what a score came to.
    check_fit, example_point (fit): whether a space suits the images of a data set.
    read_document (yaml_document): YAML that cannot hang or crash the program.
    NAME (reader): what the name of a space or a study looks like.
"""
