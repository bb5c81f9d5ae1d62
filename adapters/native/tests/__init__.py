"""Tests of the native runtime, with real processes."""
