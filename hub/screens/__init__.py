"""What is to be seen of running tasks: recordings as evidence, live views, remote desktops."""
