"""The source of the demonstration's process package; ``hub.demo.package`` zips it."""
