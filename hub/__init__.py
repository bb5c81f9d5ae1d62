"""The hub: speaks the standard to the outside, dispatches to adapters, and supervises its own processes. It never names a vendor."""
