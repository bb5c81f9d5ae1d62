"""Tests of the adapter, against the real action server and against the server's own OpenAPI document."""
