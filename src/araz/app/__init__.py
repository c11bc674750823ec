"""The wiring: the one room that knows all others.

**Takes** a site file, recordings or live feeds, an officer's decisions.
**Gives** the command line, the running night, the demo.
**Keeps** the pipeline's state and the open journal.
**May import** everything.
**Never** decides what a room should decide: it only joins them.
"""
