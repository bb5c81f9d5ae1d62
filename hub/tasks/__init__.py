"""The life of a task: queued with its row, carried by RQ, claimed once, followed to its end, and swept up where something died.

The row decides. Jobs carry ids only and may be lost or doubled: a start is a compare-and-set on the row, so it happens at most once, and a
sweep queues again what has no job.
"""
