"""The 100 operations of T/TSAC 002-2025, one module for each resource: 72 of the platform (clause 6.2), 28 of a robot (6.3, robot_api_*).

Tables are declared as printed. Fields marked additive are ours and always optional; what else differs from the print names its erratum.
"""
