"""When triggers fire: cron expressions, time zones, calendars.

``cron`` reads an expression into days and times of day; ``plan`` puts them into a zone and a calendar and tells the moments.
"""
