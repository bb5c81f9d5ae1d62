"""What the host of a machine does beside its robots: figures, commands to the machine, upgrades, locks of desktops."""
