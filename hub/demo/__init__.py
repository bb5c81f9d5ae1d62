"""A process for the first five minutes: real work, with data that shows something (``rpahub demo``)."""
