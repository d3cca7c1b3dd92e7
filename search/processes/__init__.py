"""Processes: the fork server, signals and temporary files.

Offers:
    load_tensorflow_in_advance, start_process (fork_server): processes that share TensorFlow.
    receive, MachineFailed (fork_server): what such a process says.
    MOST_STARTS, START_PAUSE (fork_server): how often one is started, and the pause between.
    Interruption (signals): Ctrl-C and SIGTERM, obeyed where nothing is half done.
    scratch_folder, clear_scratch (scratch): the folder of temporary files.
"""
